package org.sparsercnn.device.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.device.Convolution;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.Pointer;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.device.cuda.NullDriver.Pace;
import org.sparsercnn.ffi.cuda.CudaBlas;
import org.sparsercnn.ffi.cuda.CudaDnn;
import org.sparsercnn.ffi.cuda.NumberType;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Bf16;

/** Products and convolutions of the CUDA device are those of the CPU device, whatever the libraries leave to it. */
class CudaProductsTest {
    private static final int SPACE = 4000;
    private static final float UNTOUCHED = 77;

    /** Five pieces of memory with the same numbers on every device; the last holds the results. */
    private static final class Pieces {
        final Device device;
        final Tensor a;
        final Tensor b;
        final Tensor bias;
        final Tensor residual;
        final Tensor c;

        Pieces(Device device, DType factors, DType result) {
            this.device = device;
            Random random = new Random(3);
            a = numbers(device, random, factors);
            b = numbers(device, random, factors);
            bias = numbers(device, random, result);
            residual = numbers(device, random, result);
            c = numbers(device, random, result);
        }

        /** Numbers that bf16 holds exactly, so that both types start alike. */
        private static Tensor numbers(Device device, Random random, DType type) {
            float[] values = new float[SPACE];
            for (int i = 0; i < SPACE; i++) {
                values[i] = Bf16.round(random.nextFloat() - 0.5f);
            }
            return type == DType.BF16 ? Bf16.tensor(device, values, SPACE) : Tensor.of(device, values, SPACE);
        }

        void release() {
            List.of(a, b, bias, residual, c).forEach(Tensor::release);
        }
    }

    /** Work on pieces whose factors and results have these types. */
    private interface Work {
        void run(Pieces p, DType factors, DType result);
    }

    /** Does each work on the CPU in fp32 and on CUDA devices in these types, with libraries that fuse and that do not. */
    private static void compare(DType factors, DType result, List<Work> works) {
        List<float[]> wanted = new ArrayList<>();
        try (Device cpu = new CpuDevice(1, -1)) {
            works.forEach(work -> wanted.add(result(cpu, work, DType.F32, DType.F32)));
        }
        // A result that is rounded, and rounded again after what was not fused, is off by a bf16 ulp or two.
        double allowed = result == DType.BF16 ? 1.0 / 64 : 1e-6;
        for (Pace pace : Pace.values()) {
            for (boolean fuses : new boolean[] {true, false}) {
                try (NullGpu gpu = NullGpu.of(new NullDriver(1L << 30, pace), fuses)) {
                    for (int w = 0; w < works.size(); w++) {
                        float[] got = result(gpu.device, works.get(w), factors, result);
                        for (int i = 0; i < SPACE; i++) {
                            float right = wanted.get(w)[i];
                            if (!(Math.abs(got[i] - right) <= allowed * (1 + Math.abs(right)))) {
                                throw new AssertionError("work %d in %s and %s, %s, fused %s: [%d] = %s, wanted %s"
                                        .formatted(w, factors, result, pace, fuses, i, got[i], right));
                            }
                        }
                    }
                    assertThat(gpu.device.memory().inUse()).isZero();
                }
            }
        }
    }

    private static float[] result(Device device, Work work, DType factors, DType result) {
        Pieces p = new Pieces(device, factors, result);
        work.run(p, factors, result);
        float[] values = Bf16.floats(p.c);
        p.release();
        return values;
    }

    private static void compareGemms(List<Function<Pieces, Gemm>> gemms) {
        List<Work> works = gemms.stream().<Work>map(gemm -> (p, factors, result) -> p.device.gemm(gemm.apply(p).with(factors, result))).toList();
        compare(DType.F32, DType.F32, works);
        compare(DType.BF16, DType.BF16, works);
        compare(DType.BF16, DType.F32, works);
    }

    private static Pointer at(Tensor t, long element) {
        return () -> t.address() + element * t.dtype().bytes();
    }

    @Test
    void gemmWithEveryEpilogue() {
        List<Function<Pieces, Gemm>> gemms = new ArrayList<>();
        for (boolean relu : new boolean[] {false, true}) {
            for (boolean bias : new boolean[] {false, true}) {
                for (boolean residual : new boolean[] {false, true}) {
                    gemms.add(p -> Gemm.dense(false, true, 13, 10, 7, p.a, p.b, p.c).scaled(0.7f).leading(7, 7, 12)
                            .with(new Epilogue(bias ? p.bias : null, residual ? p.residual : null, relu)));
                }
            }
        }
        compareGemms(gemms);
    }

    @Test
    void gemmThatAddsToWhatIsThere() {
        compareGemms(List.of(p -> Gemm.dense(true, false, 5, 6, 9, p.a, p.b, p.c).accumulating(),
                p -> Gemm.dense(true, false, 5, 6, 9, p.a, p.b, p.c).accumulating().with(new Epilogue(p.bias, null, true))));
    }

    @Test
    void gemmOfNothing() {
        List<Function<Pieces, Gemm>> gemms = new ArrayList<>();
        for (long[] size : new long[][] {{0, 4, 3}, {4, 0, 3}, {4, 5, 0}}) {
            Function<Pieces, Gemm> gemm = p -> Gemm.dense(false, false, size[0], size[1], size[2], p.a, p.b, p.c);
            gemms.add(gemm);
            gemms.add(p -> gemm.apply(p).accumulating().with(new Epilogue(p.bias, p.residual, true)));
        }
        gemms.add(p -> Gemm.dense(false, false, 3, 3, 3, p.a, p.b, p.c).with(Gemm.Batch.of(0, 9, 9, 9)));
        gemms.add(p -> Gemm.dense(false, false, 3, 3, 0, p.a, p.b, p.c).with(Gemm.Batch.of(4, 0, 0, 11)));
        compareGemms(gemms);
    }

    @Test
    void gemmInBatches() {
        List<Gemm.Batch> batches = List.of(Gemm.Batch.of(4, 15, 20, 12), new Gemm.Batch(1, 3, 999, 15, 999, 20, 999, 12),
                new Gemm.Batch(2, 3, 45, 15, 60, 20, 36, 12), // evenly spaced
                new Gemm.Batch(2, 3, 50, 15, 60, 20, 36, 12), new Gemm.Batch(2, 3, 45, 15, 70, 20, 36, 12),
                new Gemm.Batch(2, 3, 45, 15, 60, 20, 40, 12), new Gemm.Batch(2, 3, 15, 50, 20, 70, 12, 40), new Gemm.Batch(3, 2, 50, 15, 70, 20, 40, 12), // not
                new Gemm.Batch(2, 2, 0, 15, 20, 0, 30, 12)); // one matrix for several
        List<Function<Pieces, Gemm>> gemms = new ArrayList<>();
        for (Gemm.Batch batch : batches) {
            Function<Pieces, Gemm> gemm = p -> Gemm.dense(false, false, 3, 4, 5, p.a, p.b, p.c).with(batch);
            gemms.add(gemm);
            gemms.add(p -> gemm.apply(p).with(new Epilogue(p.bias, null, true)));
        }
        compareGemms(gemms);
    }

    @Test
    void aBatchIsAsFewCallsAsItsStridesAllow() {
        try (NullGpu gpu = NullGpu.of(Pace.AT_ONCE)) {
            Pieces p = new Pieces(gpu.device, DType.F32, DType.F32);
            Gemm g = Gemm.dense(false, false, 3, 4, 5, p.a, p.b, p.c);
            gpu.device.gemm(g.with(new Gemm.Batch(2, 3, 45, 15, 60, 20, 36, 12)));
            assertThat(gpu.driver.count("library")).isEqualTo(1);
            assertThat(gpu.blas.planned().getLast().batch()).isEqualTo(6);
            gpu.device.gemm(g.with(new Gemm.Batch(2, 3, 15, 50, 20, 70, 12, 40)));
            assertThat(gpu.driver.count("library")).isEqualTo(3);
            assertThat(gpu.blas.planned().getLast().batch()).isEqualTo(3);
            gpu.device.gemm(g.with(new Gemm.Batch(2, 3, 15, 50, 20, 70, 12, 40)));
            assertThat(gpu.blas.planned()).as("a shape is planned once").hasSize(2);
            p.release();
        }
    }

    @Test
    void gemmOfViewsThatAreNotAligned() {
        compareGemms(List.of(p -> Gemm.dense(false, false, 3, 4, 5, at(p.a, 1), at(p.b, 2), at(p.c, 3))));
        try (NullGpu gpu = NullGpu.of(Pace.AT_ONCE)) {
            Pieces p = new Pieces(gpu.device, DType.F32, DType.F32);
            gpu.device.gemm(Gemm.dense(false, false, 3, 4, 5, p.a, p.b, p.c));
            gpu.device.gemm(Gemm.dense(false, false, 3, 4, 5, p.a, at(p.b, 2), p.c));
            assertThat(gpu.blas.planned()).extracting(CudaBlas.Product::alignment).containsExactly(16, 8);
            p.release();
        }
    }

    // Convolutions

    private static final List<Convolution> SHAPES = List.of(new Convolution(2, 7, 6, 3, 4, 3, 3, 1, 1, DType.F32),
            new Convolution(1, 9, 9, 2, 5, 3, 3, 2, 1, DType.F32), new Convolution(3, 4, 5, 6, 7, 1, 1, 1, 0, DType.F32));

    private static Convolution in(Convolution s, DType type) {
        return new Convolution(s.n(), s.h(), s.w(), s.ci(), s.co(), s.kh(), s.kw(), s.stride(), s.pad(), type);
    }

    /** @param offset of the tensors in elements: libraries want them aligned */
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void convolutions(int offset) {
        List<Work> works = new ArrayList<>();
        for (Convolution s : SHAPES) {
            for (int parts = 0; parts < 8; parts++) {
                boolean bias = (parts & 1) != 0;
                boolean residual = (parts & 2) != 0;
                boolean relu = (parts & 4) != 0;
                works.add((p, type, _) -> p.device.convolution(in(s, type), at(p.a, offset), at(p.b, offset), new Epilogue(
                        bias ? at(p.bias, offset) : null, residual ? at(p.residual, offset) : null, relu), at(p.c, offset)));
            }
            works.add((p, type, _) -> p.device.convolutionBackwardData(in(s, type), at(p.a, offset), at(p.b, offset), at(p.c, offset)));
            works.add((p, type, _) -> p.device.convolutionBackwardWeight(in(s, type), at(p.a, offset), at(p.b, offset), at(p.c, offset)));
        }
        compare(DType.F32, DType.F32, works);
        compare(DType.BF16, DType.BF16, works);
    }

    @Test
    void convolutionsOfNothing() {
        Convolution s = new Convolution(0, 7, 6, 3, 4, 3, 3, 1, 1, DType.F32);
        try (NullGpu gpu = NullGpu.of(Pace.LATE)) {
            Pieces p = new Pieces(gpu.device, DType.F32, DType.F32);
            float[] before = Bf16.floats(p.c);
            gpu.device.convolution(s, p.a, p.b, new Epilogue(p.bias, null, true), p.c);
            gpu.device.convolutionBackwardData(s, p.a, p.b, p.c);
            assertThat(Bf16.floats(p.c)).isEqualTo(before);
            gpu.device.convolutionBackwardWeight(s, p.a, p.b, p.c);
            assertThat(Bf16.floats(p.c)[0]).isZero();
            assertThat(Bf16.floats(p.c)[107]).isZero();
            assertThat(Bf16.floats(p.c)[108]).isEqualTo(before[108]);
            p.release();
        }
    }

    @Test
    void typesAndDeterminismReachTheLibraries() {
        try (NullGpu gpu = NullGpu.of(new NullDriver(1L << 30, Pace.AT_ONCE), new CudaOptions(0, true, true))) {
            Pieces p = new Pieces(gpu.device, DType.F32, DType.F32);
            gpu.device.gemm(Gemm.dense(false, false, 3, 4, 5, p.a, p.b, p.c));
            assertThat(gpu.blas.planned().getLast().factors()).isEqualTo(NumberType.TF32);
            assertThat(gpu.blas.planned().getLast().result()).isEqualTo(NumberType.F32);
            gpu.device.convolution(SHAPES.getFirst(), p.a, p.b, Epilogue.NONE, p.c);
            gpu.device.convolution(SHAPES.getFirst(), p.b, p.a, Epilogue.NONE, p.c);
            gpu.device.convolution(SHAPES.getFirst(), p.b, p.a, new Epilogue(p.bias, null, true), p.c);
            assertThat(gpu.dnn.planned()).extracting(CudaDnn.Problem::type).containsExactly(NumberType.TF32, NumberType.TF32);
            assertThat(gpu.dnn.planned()).extracting(CudaDnn.Problem::bias).containsExactly(false, true);
            p.release();
        }
    }

    @Test
    void theEpilogueKernelDoesNotLookAtWhatBetaLeavesOut() {
        try (NullGpu gpu = NullGpu.of(Pace.AT_ONCE)) {
            Tensor c = Tensor.of(gpu.device, new float[] {Float.NaN, 1, UNTOUCHED, Float.NaN, 1, UNTOUCHED}, 6);
            Tensor bias = Tensor.of(gpu.device, new float[] {-1, 2}, 2);
            gpu.device.gemm(Gemm.dense(false, false, 2, 2, 0, c, c, c).leading(1, 2, 3).with(new Epilogue(bias, null, true)));
            assertThat(c.toFloats()).containsExactly(0, 2, UNTOUCHED, 0, 2, UNTOUCHED);
            assertThat(gpu.driver.launches().getLast().arguments()[6]).isEqualTo(Double.doubleToRawLongBits(0));
            c.release();
            bias.release();
        }
    }

    @Test
    void onceAShapeIsPlannedAProductMakesNoGarbage() {
        CudaBlas blas = new IdleBlas();
        NullDriver driver = new NullDriver(1L << 30, Pace.AT_ONCE);
        try (CudaDevice device = new CudaDevice(new CudaProvider(driver, () -> blas, () -> new NullDnn(driver, CudaDnn.Fused.ALL), MemorySegment.NULL),
                new CudaOptions(0, false, false))) {
            Tensor t = Tensor.of(device, new float[1000], 1000);
            Gemm g = Gemm.dense(false, false, 3, 4, 5, t, t, t).with(new Epilogue(t, null, true));
            Runnable products = () -> {
                for (int i = 0; i < 20_000; i++) {
                    device.gemm(g);
                }
            };
            products.run();
            assertThat(Garbage.leastOf(products)).isZero();
            t.release();
        }
    }

    /** Plans that do nothing. */
    private static final class IdleBlas implements CudaBlas {
        @Override
        public String description() {
            return "idle";
        }

        @Override
        public Plan plan(Product product) {
            return new Plan() {
                @Override
                public long workspace() {
                    return 1 << 20;
                }

                @Override
                public boolean fusesEpilogue() {
                    return true;
                }

                @Override
                public void run(long a, long b, long c, long bias, long workspace, long stream) {}
            };
        }

        @Override
        public void close() {}
    }
}
