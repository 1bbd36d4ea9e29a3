package org.sparsercnn.selftest;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.sparsercnn.device.Convolution;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;
import org.sparsercnn.testing.Bf16;

/** Matrix products and convolutions of random shapes, layouts and epilogues: a device's libraries against the CPU device. */
record ProductCheck(String title, Product product) implements Check {
    private static final int CASES = 40;
    private static final int[] SIZES = {1, 2, 3, 7, 16, 33, 64, 100, 257};
    private static final int[] CHANNELS = {1, 3, 4, 16, 33};

    /** Makes a random case and computes it; equal random numbers give equal cases. */
    private interface Product {
        Array compute(Scope scope, DType type, Random random);
    }

    static List<Check> all() {
        return List.of(new ProductCheck("products gemm", ProductCheck::gemm), new ProductCheck("products convolution", ProductCheck::forward),
                new ProductCheck("products convolution backward data", ProductCheck::backwardData),
                new ProductCheck("products convolution backward weight", ProductCheck::backwardWeight));
    }

    @Override
    public void run(Device device, Mode mode, Worst worst) {
        try (Device cpu = new CpuDevice(1, -1)) {
            for (int i = 0; i < CASES; i++) {
                worst.count();
                GuardedDevice guarded = new GuardedDevice(device);
                Array got = compute(guarded, mode.compute(), i);
                Array wanted = compute(cpu, DType.F32, i);
                String what = "case " + i + " " + Arrays.toString(wanted.shape());
                guarded.violations().forEach(v -> worst.add(what + ": " + v, Double.NaN, 1));
                double largest = Arrays.stream(wanted.values()).map(Math::abs).max().orElse(0);
                worst.elements(what, got, wanted, bound(mode) * (1 + largest));
            }
        }
    }

    /**
     * Of the largest value. Factors are exact in every mode, so it is the sums of at most a few thousand products that differ: by their
     * order, on tensor cores also because these cut off instead of rounding; and a BF16 result is rounded, to 2^-9 of itself.
     */
    private static double bound(Mode mode) {
        return switch (mode) {
            case FP32 -> 1.2e-5;
            case TF32 -> 1e-4;
            case BF16 -> 0x1p-8;
        };
    }

    private Array compute(Device device, DType type, int seed) {
        try (Scope scope = new Scope(device)) {
            return product.compute(scope, type, new Random(seed));
        }
    }

    /** Every tenth has no rows, every tenth sums over nothing, as in a batch without objects. */
    private static Array gemm(Scope scope, DType type, Random r) {
        int kind = r.nextInt(10);
        long m = kind == 0 ? 0 : one(r, SIZES);
        long n = one(r, SIZES);
        long k = kind == 1 ? 0 : one(r, SIZES);
        boolean transA = r.nextBoolean();
        boolean transB = r.nextBoolean();
        long batch = r.nextInt(3) == 0 ? 1 + r.nextInt(4) : 1;
        long gap = r.nextInt(3) == 0 ? 8 : 0; // between rows
        long lda = (transA ? m : k) + gap;
        long ldb = (transB ? k : n) + gap;
        Tensor a = noise(scope, type, r, batch, transA ? k : m, lda);
        Tensor b = noise(scope, type, r, batch, transB ? n : k, ldb);
        Tensor c = noise(scope, DType.F32, r, batch, m, n);
        boolean accumulates = r.nextInt(4) == 0;
        Epilogue epilogue = accumulates || batch > 1 ? Epilogue.NONE : epilogue(scope, DType.F32, r, m, n);
        Gemm g = Gemm.dense(transA, transB, m, n, k, a, b, c).leading(lda, ldb, n).with(Gemm.Batch.of(batch, a.elements() / batch,
                b.elements() / batch, m * n)).with(epilogue).with(type, DType.F32).scaled(r.nextBoolean() ? 1 : 0.5f);
        scope.device().gemm(accumulates ? g.accumulating() : g);
        return array(c);
    }

    private static Array forward(Scope scope, DType type, Random r) {
        Convolution s = shape(type, r);
        Tensor x = noise(scope, type, r, s.n(), s.h(), s.w(), s.ci());
        Tensor w = noise(scope, type, r, s.co(), s.kh(), s.kw(), s.ci());
        Epilogue epilogue = epilogue(scope, type, r, s.n(), s.oh(), s.ow(), s.co());
        Tensor y = noise(scope, type, r, s.n(), s.oh(), s.ow(), s.co());
        scope.device().convolution(s, x, w, epilogue, y);
        return array(y);
    }

    private static Array backwardData(Scope scope, DType type, Random r) {
        Convolution s = shape(type, r);
        Tensor w = noise(scope, type, r, s.co(), s.kh(), s.kw(), s.ci());
        Tensor dy = noise(scope, type, r, s.n(), s.oh(), s.ow(), s.co());
        Tensor dx = noise(scope, type, r, s.n(), s.h(), s.w(), s.ci());
        scope.device().convolutionBackwardData(s, dy, w, dx);
        return array(dx);
    }

    private static Array backwardWeight(Scope scope, DType type, Random r) {
        Convolution s = shape(type, r);
        Tensor x = noise(scope, type, r, s.n(), s.h(), s.w(), s.ci());
        Tensor dy = noise(scope, type, r, s.n(), s.oh(), s.ow(), s.co());
        Tensor dw = noise(scope, type, r, s.co(), s.kh(), s.kw(), s.ci());
        scope.device().convolutionBackwardWeight(s, x, dy, dw);
        return array(dw);
    }

    private static Convolution shape(DType type, Random r) {
        int size = one(r, 1, 1, 3, 3, 7);
        return new Convolution(r.nextInt(3), size + r.nextInt(18), size + r.nextInt(18), one(r, CHANNELS), one(r, CHANNELS), size, size,
                1 + r.nextInt(2), r.nextBoolean() ? size / 2 : 0, type);
    }

    /** @param shape of the output, its columns or channels last */
    private static Epilogue epilogue(Scope scope, DType type, Random r, long... shape) {
        boolean biased = r.nextBoolean();
        boolean residual = r.nextInt(4) == 0;
        return new Epilogue(biased ? noise(scope, type, r, shape[shape.length - 1]) : null, residual ? noise(scope, type, r, shape) : null,
                r.nextBoolean());
    }

    private static int one(Random r, int... of) {
        return of[r.nextInt(of.length)];
    }

    /** Standard normal numbers that bf16 holds, and so TF32. */
    private static Tensor noise(Scope scope, DType type, Random r, long... shape) {
        Array values = Bf16.round(Array.normal(r, shape));
        return scope.hold(type == DType.BF16 ? Bf16.tensor(scope.device(), values.floats(), shape)
                : Tensor.of(scope.device(), values.floats(), shape));
    }

    private static Array array(Tensor t) {
        float[] floats = Bf16.floats(t);
        Array a = Array.zeros(t.shape().toArray());
        Arrays.setAll(a.values(), i -> floats[i]);
        return a;
    }
}
