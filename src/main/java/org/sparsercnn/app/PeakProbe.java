package org.sparsercnn.app;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.Pointer;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/** What a device gives at best at this moment: the rate of products of large square matrices of noise. */
public final class PeakProbe {
    private static final int SMALLEST = 1024;
    private static final int LARGEST = 8192;
    /** A product shorter than this is too small to fill the device. */
    private static final double LONG_ENOUGH_SECONDS = 4e-3;
    private static final double ROUND_SECONDS = 0.05;
    private static final int TILE = 1 << 18;

    private final Device device;
    private final DType type;

    private PeakProbe(Device device, DType type) {
        this.device = device;
        this.type = type;
    }

    /**
     * @param type of factors and result
     * @param seconds to measure for
     * @return best FLOP/s of some rounds
     */
    public static double flops(Device device, DType type, double seconds) {
        PeakProbe probe = new PeakProbe(device, type);
        int n = SMALLEST;
        while (n < LARGEST && probe.best(n, 0) > 2.0 * n * n * n / LONG_ENOUGH_SECONDS) {
            n *= 2;
        }
        return probe.best(n, seconds);
    }

    private double best(int n, double seconds) {
        try (Scope scope = new Scope(device)) {
            Tensor a = noise(scope, n);
            Tensor b = noise(scope, n);
            Tensor c = scope.empty(type, Shape.of(n, n));
            Gemm product = Gemm.dense(false, false, n, n, n, a, b, c).with(type, type);
            double one = time(product, 1); // plans and warms up
            one = time(product, 1);
            int count = (int) Math.max(1, ROUND_SECONDS / one);
            double best = one;
            for (double spent = 0; spent < seconds;) {
                double round = time(product, count);
                best = Math.min(best, round / count);
                spent += round;
            }
            return 2.0 * n * n * n / best;
        }
    }

    private double time(Gemm product, int count) {
        device.synchronize();
        long begin = System.nanoTime();
        for (int i = 0; i < count; i++) {
            device.gemm(product);
        }
        device.synchronize();
        return (System.nanoTime() - begin) * 1e-9;
    }

    /** Not zeros, which cost a GPU less power and so run at higher clocks. */
    private Tensor noise(Scope scope, int n) {
        Tensor t = scope.empty(type, Shape.of(n, n));
        Random random = new Random(0);
        float[] tile = new float[TILE];
        short[] upper = new short[TILE];
        for (int i = 0; i < TILE; i++) {
            tile[i] = (float) random.nextGaussian();
            upper[i] = (short) (Float.floatToRawIntBits(tile[i]) >>> Short.SIZE);
        }
        MemorySegment host = type == DType.BF16 ? MemorySegment.ofArray(upper) : MemorySegment.ofArray(tile);
        for (long at = 0; at < t.bytes(); at += host.byteSize()) {
            Pointer to = at == 0 ? t : offset(t.address() + at);
            device.copyIn(host.asSlice(0, Math.min(host.byteSize(), t.bytes() - at)), to);
        }
        return t;
    }

    private static Pointer offset(long address) {
        return () -> address;
    }
}
