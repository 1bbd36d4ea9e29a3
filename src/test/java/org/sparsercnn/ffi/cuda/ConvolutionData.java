package org.sparsercnn.ffi.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.sparsercnn.ffi.cuda.CudaDnn.Fused;
import org.sparsercnn.ffi.cuda.CudaDnn.Kind;
import org.sparsercnn.ffi.cuda.CudaDnn.Plan;
import org.sparsercnn.ffi.cuda.CudaDnn.Problem;

/** Random tensors of one problem in host memory, and what a convolution of them is by its definition, in fp64. */
final class ConvolutionData implements AutoCloseable {
    private static final byte GUARD = 0x5A;
    private static final int GUARD_BYTES = 64;

    private final Problem p;
    private final Arena arena = Arena.ofConfined();
    private final double[] x;
    private final double[] w;
    private final double[] y;
    private final double[] bias;
    private final double[] residual;
    private final MemorySegment in;
    private final MemorySegment other;
    private final MemorySegment out;
    private final MemorySegment biasMemory;
    private final MemorySegment residualMemory;
    private MemorySegment scratch = MemorySegment.NULL;
    private boolean apart;

    ConvolutionData(Problem p, long seed) {
        this.p = p;
        Random random = new Random(seed);
        x = random(random, p.n() * p.h() * p.w() * p.ci());
        w = random(random, p.co() * p.kh() * p.kw() * p.ci());
        y = random(random, p.n() * p.oh() * p.ow() * p.co());
        bias = random(random, p.co());
        residual = random(random, y.length);
        in = memory(p.kind() == Kind.BACKWARD_DATA ? y : x);
        other = memory(p.kind() == Kind.BACKWARD_WEIGHT ? y : w);
        out = arena.allocate(bytes(result(p.kind()).length) + GUARD_BYTES, 16).fill(GUARD);
        biasMemory = memory(bias);
        residualMemory = memory(residual);
    }

    private double[] result(Kind kind) {
        return switch (kind) {
            case FORWARD -> y;
            case BACKWARD_DATA -> x;
            case BACKWARD_WEIGHT -> w;
        };
    }

    private double[] random(Random random, long count) {
        double[] values = new double[(int) count];
        for (int i = 0; i < values.length; i++) values[i] = stored((float) random.nextGaussian());
        return values;
    }

    private long bytes(long elements) {
        return elements * (p.type() == NumberType.BF16 ? 2 : 4);
    }

    private float stored(float value) {
        return p.type() == NumberType.BF16 ? rounded(value, 16) : value;
    }

    /** To nearest, without so many bits of mantissa. */
    private static float rounded(float value, int dropped) {
        int bits = Float.floatToRawIntBits(value);
        int half = (1 << dropped - 1) - 1 + (bits >> dropped & 1);
        return Float.intBitsToFloat(bits + half >> dropped << dropped);
    }

    private MemorySegment memory(double[] values) {
        MemorySegment memory = arena.allocate(bytes(values.length), 16);
        for (int i = 0; i < values.length; i++) write(memory, i, (float) values[i]);
        return memory;
    }

    private void write(MemorySegment memory, int i, float value) {
        if (p.type() == NumberType.BF16) {
            memory.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (Float.floatToRawIntBits(stored(value)) >>> 16));
        } else {
            memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
        }
    }

    private float read(MemorySegment memory, int i) {
        if (p.type() != NumberType.BF16) return memory.getAtIndex(ValueLayout.JAVA_FLOAT, i);
        return Float.intBitsToFloat(memory.getAtIndex(ValueLayout.JAVA_SHORT, i) << 16);
    }

    /** Makes the first element of the input NaN. */
    void poisonInput() {
        write(in, 0, Float.NaN);
    }

    void run(Plan plan) {
        run(plan, 0);
    }

    void run(Plan plan, long stream) {
        long workspace = plan.workspace() == 0 ? 0 : scratch(plan.workspace());
        plan.run(in.address(), other.address(), out.address(), p.bias() ? biasMemory.address() : 0,
                p.residual() ? residualMemory.address() : 0, workspace, stream);
        apart = plan.fused() != Fused.ALL;
        if (apart) finish(plan.fused());
    }

    private long scratch(long bytes) {
        if (scratch.byteSize() < bytes) scratch = arena.allocate(bytes, 256);
        return scratch.address();
    }

    /** What a device does after a plan that leaves something. */
    private void finish(Fused done) {
        for (int i = 0; i < y.length; i++) {
            float value = read(out, i);
            if (p.bias() && done == Fused.NONE) value += (float) bias[i % (int) p.co()];
            if (p.residual()) value += (float) residual[i];
            write(out, i, p.relu() && value < 0 ? 0 : value);
        }
    }

    /** What was computed; nothing else may have been written. */
    double[] result() {
        double[] result = new double[result(p.kind()).length];
        for (int i = 0; i < result.length; i++) result[i] = read(out, i);
        for (long i = bytes(result.length); i < out.byteSize(); i++) {
            assertThat(out.get(ValueLayout.JAVA_BYTE, i)).as("guard").isEqualTo(GUARD);
        }
        return result;
    }

    /** By definition; factors are rounded as the type says. */
    double[] expected() {
        double[] result = new double[result(p.kind()).length];
        int i = 0;
        for (int n = 0; n < p.n(); n++) {
            for (int oy = 0; oy < p.oh(); oy++) {
                for (int ox = 0; ox < p.ow(); ox++) {
                    for (int o = 0; o < p.co(); o++, i++) accumulate(result, n, oy, ox, o, i);
                }
            }
        }
        if (p.kind() != Kind.FORWARD) return result;
        for (i = 0; i < result.length; i++) {
            if (p.bias()) result[i] += bias[i % (int) p.co()];
            if (p.residual()) result[i] += residual[i];
            if (p.relu() && result[i] < 0) result[i] = 0;
        }
        return result;
    }

    private void accumulate(double[] result, int n, int oy, int ox, int o, int yi) {
        for (int ky = 0; ky < p.kh(); ky++) {
            for (int kx = 0; kx < p.kw(); kx++) {
                long iy = oy * p.stride() - p.pad() + ky;
                long ix = ox * p.stride() - p.pad() + kx;
                if (iy < 0 || ix < 0 || iy >= p.h() || ix >= p.w()) continue;
                for (int c = 0; c < p.ci(); c++) {
                    int xi = (int) (((n * p.h() + iy) * p.w() + ix) * p.ci() + c);
                    int wi = (int) (((o * p.kh() + ky) * p.kw() + kx) * p.ci() + c);
                    switch (p.kind()) {
                        case FORWARD -> result[yi] += factor(x[xi]) * factor(w[wi]);
                        case BACKWARD_DATA -> result[xi] += factor(y[yi]) * factor(w[wi]);
                        case BACKWARD_WEIGHT -> result[wi] += factor(y[yi]) * factor(x[xi]);
                    }
                }
            }
        }
    }

    private double factor(double value) {
        return p.type() == NumberType.TF32 ? rounded((float) value, 13) : value;
    }

    /** Of a sum in fp32, which bf16 rounds once; and again, when it may be larger, before what is done apart. */
    double tolerance(double value) {
        if (p.type() != NumberType.BF16) return 1e-4;
        return apart ? 0.1 + Math.abs(value) / 64 : 1e-4 + Math.abs(value) / 256;
    }

    @Override
    public void close() {
        arena.close();
    }
}
