package org.sparsercnn.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sparsercnn.ffi.cuda.NumberType.BF16;
import static org.sparsercnn.ffi.cuda.NumberType.F32;
import static org.sparsercnn.ffi.cuda.NumberType.TF32;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparsercnn.ffi.cuda.CudaBlas.Epilogue;
import org.sparsercnn.ffi.cuda.CudaBlas.Plan;
import org.sparsercnn.ffi.cuda.CudaBlas.Product;
import org.sparsercnn.ffi.cuda.CudaLibraries.Library;
import org.sparsercnn.ffi.jcuda.JCublas;
import org.sparsercnn.util.BadInput;

/**
 * Both ways to a matrix product, on stand-ins ({@code native/standin}) that compute in column-major as NVIDIA documents, beside plain
 * row-major loops. Factors are small integers, so that every sum is exact and results are equal to the last bit.
 */
class CudaBlasContractTest {
    private static final long LIMIT = 4096; // bytes of workspace
    private static final long STREAM = 77;
    private static final short GUARD_BF16 = (short) 0x7fd3; // a NaN
    private static final int GUARD_F32 = 0x7fd33333;

    private enum Provider {
        PANAMA("libcublasLt.so.13", Library.CUBLAS_LT) {
            @Override
            CudaBlas open() {
                return CublasLt.open(LIMIT, false);
            }
        },
        JCUDA("libcublas.so.12", Library.CUBLAS) {
            @Override
            CudaBlas open() {
                return new JCublas(LIMIT);
            }
        };

        final String file;
        final Library library;

        Provider(String file, Library library) {
            this.file = file;
            this.library = library;
        }

        abstract CudaBlas open();
    }

    private StandInLibrary standIn;
    private Library library;

    private void use(Provider provider) {
        standIn = StandInLibrary.of(provider.file, provider.library);
        library = provider.library;
    }

    @AfterEach
    void close() {
        if (standIn != null) standIn.close();
    }

    private long number(String function) {
        try {
            return (long) Linker.nativeLinker().downcallHandle(CudaLibraries.ofThisMachine().require(library).symbols().findOrThrow(function),
                    FunctionDescriptor.of(JAVA_LONG)).invokeExact();
        } catch (Throwable e) {
            throw new AssertionError(function, e);
        }
    }

    // Products

    @ParameterizedTest
    @EnumSource
    void productsOfAllKindsAreThoseOfPlainLoops(Provider provider) {
        use(provider);
        var random = new SplittableRandom(5);
        int fused = 0;
        int composed = 0;
        try (CudaBlas blas = provider.open()) {
            for (int i = 0; i < 1500; i++) {
                Product product = random(random, i);
                Plan plan = blas.plan(product);
                check(product, plan, random, CudaBlas.FULL_ALIGNMENT);
                if (plan.fusesEpilogue()) fused++;
                else composed++;
                assertThat(plan.fusesEpilogue()).isEqualTo(provider == Provider.PANAMA || product.epilogue() == Epilogue.NONE
                        || product.isEmpty());
            }
        }
        assertThat(fused).isPositive();
        assertThat(composed > 0).isEqualTo(provider == Provider.JCUDA);
        assertThat(number("standin_objects")).isZero();
    }

    /** The kinds in turn, the sizes drawn: 0 and 1 among them, rows and matrices with gaps, one factor for a whole batch. */
    private static Product random(SplittableRandom random, int i) {
        boolean transA = (i & 1) != 0;
        boolean transB = (i & 2) != 0;
        Epilogue epilogue = Epilogue.values()[i >> 2 & 3];
        NumberType factors = NumberType.values()[i / 16 % 3];
        NumberType result = factors == BF16 && random.nextBoolean() ? BF16 : F32;
        long m = random.nextInt(8);
        long n = random.nextInt(8);
        long k = 1 + random.nextInt(9);
        long lda = (transA ? m : k) + random.nextInt(3);
        long ldb = (transB ? k : n) + random.nextInt(3);
        long ldc = n + random.nextInt(3);
        long batch = random.nextInt(3) > 0 ? 1 : random.nextInt(4);
        long strideA = random.nextInt(4) == 0 ? 0 : (transA ? k : m) * lda + random.nextInt(5);
        long strideB = random.nextInt(4) == 0 ? 0 : (transB ? n : k) * ldb + random.nextInt(5);
        float beta = epilogue.hasBias() ? 0 : random.nextInt(3) * 0.5f;
        return new Product(transA, transB, m, n, k, lda, ldb, ldc, batch, strideA, strideB, m * ldc + random.nextInt(5),
                random.nextInt(1, 5) * 0.5f - 3, beta, factors, result, epilogue);
    }

    private static Product dense(long m, long n, long k, NumberType factors, NumberType result, Epilogue epilogue, int alignment) {
        return new Product(false, false, m, n, k, k, n, n, 1, 0, 0, 0, 1, 0, factors, result, epilogue, alignment);
    }

    /** Runs a product at addresses of that alignment and no better, and compares every element, those in gaps included. */
    private static void check(Product p, Plan plan, SplittableRandom random, int alignment) {
        try (Arena arena = Arena.ofConfined()) {
            Matrix a = new Matrix(arena, p.factors(), p.transA() ? p.k() : p.m(), p.transA() ? p.m() : p.k(), p.lda(), p.batch(), p.strideA(),
                    alignment);
            Matrix b = new Matrix(arena, p.factors(), p.transB() ? p.n() : p.k(), p.transB() ? p.k() : p.n(), p.ldb(), p.batch(), p.strideB(),
                    alignment);
            Matrix c = new Matrix(arena, p.result(), p.m(), p.n(), p.ldc(), p.batch(), p.strideC(), alignment);
            Matrix bias = new Matrix(arena, p.result(), 1, p.n(), p.n(), 1, 0, alignment);
            a.fill(random);
            b.fill(random);
            bias.fill(random);
            if (p.beta() != 0) c.fill(random); // else it holds NaN, which a product that reads it would keep
            float[] expected = c.elements();
            for (long batch = 0; batch < p.batch(); batch++) {
                for (long i = 0; i < p.m(); i++) {
                    for (long j = 0; j < p.n(); j++) {
                        float sum = 0;
                        for (long k = 0; k < p.k(); k++) {
                            sum += (p.transA() ? a.get(batch, k, i) : a.get(batch, i, k)) * (p.transB() ? b.get(batch, j, k) : b.get(batch, k, j));
                        }
                        float value = p.alpha() * sum;
                        if (p.beta() != 0) value += p.beta() * c.get(batch, i, j);
                        if (plan.fusesEpilogue()) {
                            if (p.epilogue().hasBias()) value += bias.get(0, 0, j);
                            if (p.epilogue() == Epilogue.RELU || p.epilogue() == Epilogue.RELU_BIAS) value = Math.max(value, 0);
                        }
                        expected[(int) c.index(batch, i, j)] = (p.result() == BF16 ? Matrix.bf16(value) : value) + 0f;
                    }
                }
            }
            long workspace = plan.workspace() == 0 ? 0 : arena.allocate(plan.workspace(), 256).address();
            plan.run(a.address(), b.address(), c.address(), p.epilogue().hasBias() ? bias.address() : 0, workspace, STREAM);
            assertThat(c.elements()).as("%s", p).isEqualTo(expected);
        }
    }

    /** Row-major matrices in memory that was all NaN. */
    private record Matrix(MemorySegment data, NumberType type, long rows, long columns, long ld, long batch, long stride) {
        Matrix(Arena arena, NumberType type, long rows, long columns, long ld, long batch, long stride, int alignment) {
            this(allocate(arena, type, Math.max(batch - 1, 0) * stride + rows * ld + 3, alignment), type, rows, columns, ld, batch, stride);
        }

        private static MemorySegment allocate(Arena arena, NumberType type, long elements, int alignment) {
            int bytes = type == BF16 ? 2 : 4;
            MemorySegment data = arena.allocate(elements * bytes + alignment, 2L * alignment).asSlice(alignment);
            for (long i = 0; i < elements; i++) {
                if (type == BF16) data.set(JAVA_SHORT, i * 2, GUARD_BF16);
                else data.set(JAVA_INT, i * 4, GUARD_F32);
            }
            return data;
        }

        static float bf16(float value) {
            int bits = Float.floatToRawIntBits(value);
            return Float.intBitsToFloat(bits + 0x7fff + (bits >>> 16 & 1) & 0xffff0000);
        }

        long address() {
            return data.address();
        }

        long index(long matrix, long row, long column) {
            return matrix * stride + row * ld + column;
        }

        float get(long matrix, long row, long column) {
            return at(index(matrix, row, column));
        }

        void set(long matrix, long row, long column, float value) {
            long i = index(matrix, row, column);
            if (type == BF16) data.set(JAVA_SHORT, i * 2, (short) (Float.floatToRawIntBits(value) >>> 16));
            else data.set(JAVA_FLOAT, i * 4, value);
        }

        private float at(long i) {
            return type == BF16 ? Float.intBitsToFloat(data.get(JAVA_SHORT, i * 2) << 16) : data.get(JAVA_FLOAT, i * 4);
        }

        void fill(SplittableRandom random) {
            for (long b = 0; b < batch; b++) {
                for (long i = 0; i < rows; i++) {
                    for (long j = 0; j < columns; j++) set(b, i, j, random.nextInt(-3, 4));
                }
            }
        }

        float[] elements() {
            float[] all = new float[(int) (data.byteSize() / (type == BF16 ? 2 : 4))];
            for (int i = 0; i < all.length; i++) all[i] = at(i) + 0f; // -0 becomes 0
            return all;
        }
    }

    /** One row times one column, on the device. */
    private static float dot(CudaBlas blas, NumberType factors, NumberType result, float[] x, float[] y) {
        try (Arena arena = Arena.ofConfined()) {
            Matrix a = new Matrix(arena, factors, 1, x.length, x.length, 1, 0, 16);
            Matrix b = new Matrix(arena, factors, x.length, 1, 1, 1, 0, 16);
            Matrix c = new Matrix(arena, result, 1, 1, 1, 1, 0, 16);
            for (int i = 0; i < x.length; i++) {
                a.set(0, 0, i, x[i]);
                b.set(0, i, 0, y[i]);
            }
            Plan plan = blas.plan(dense(1, 1, x.length, factors, result, Epilogue.NONE, 16));
            long workspace = plan.workspace() == 0 ? 0 : arena.allocate(plan.workspace(), 256).address();
            plan.run(a.address(), b.address(), c.address(), 0, workspace, STREAM);
            return c.get(0, 0, 0);
        }
    }

    @ParameterizedTest
    @EnumSource
    void onlyTf32RoundsFactors(Provider provider) {
        use(provider);
        try (CudaBlas blas = provider.open()) {
            float[] x = {1 + 1f / 4096};
            assertThat(dot(blas, F32, F32, x, new float[] {1})).isEqualTo(x[0]);
            assertThat(dot(blas, TF32, F32, x, new float[] {1})).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void sumsForBf16AreFp32EvenInParts(Provider provider) {
        use(provider);
        try (CudaBlas blas = provider.open()) {
            float[] x = {16, 1, -16, 0};
            assertThat(dot(blas, BF16, BF16, x, new float[] {16, 1, 16, 0})).isEqualTo(1); // 257 is no bf16 number
        }
    }

    @ParameterizedTest
    @EnumSource
    void theStreamIsTheCallers(Provider provider) {
        use(provider);
        try (CudaBlas blas = provider.open()) {
            dot(blas, F32, F32, new float[] {1}, new float[] {1});
            assertThat(number("standin_last_stream")).isEqualTo(STREAM);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aFailureNamesCallCodeAndReason(Provider provider) {
        use(provider);
        standIn.call("standin_status", 1L);
        assertThatThrownBy(provider::open).isInstanceOfSatisfying(CudaException.class, e -> assertThat(e.code()).isEqualTo(1))
                .hasMessageMatching("cuBLAS: cublas(Lt)?Create failed with CUBLAS_STATUS_NOT_INITIALIZED \\(1\\): the library was not initialized");
        try (CudaBlas blas = provider.open()) {
            Plan plan = blas.plan(dense(1, 1, 1, F32, F32, Epilogue.NONE, 16));
            standIn.call("standin_status", 13L);
            assertThatThrownBy(() -> plan.run(16, 16, 16, 0, 256, STREAM)).hasMessageContaining("CUBLAS_STATUS_EXECUTION_FAILED (13)");
        }
    }

    @ParameterizedTest
    @EnumSource
    void aRunAllocatesNothing(Provider provider) {
        use(provider);
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (CudaBlas blas = provider.open(); Arena arena = Arena.ofConfined()) {
            long factors = arena.allocate(64, 16).address();
            long result = arena.allocate(64, 16).address();
            Plan plan = blas.plan(dense(1, 1, 1, F32, F32, Epilogue.RELU_BIAS, 16));
            long workspace = arena.allocate(LIMIT, 256).address();
            int runs = 5000;
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 5; round++) { // the first ones link and compile
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < runs; i++) plan.run(factors, factors, result, factors, workspace, STREAM);
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            assertThat(least).isLessThan(runs); // not a byte a run; reading the counter may cost a few
        }
    }

    @Test
    void aProductThatCannotBeIsRefused() {
        assertThatThrownBy(() -> dense(1, 1, 0, F32, F32, Epilogue.NONE, 16)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> dense(1, 1, 1, F32, BF16, Epilogue.NONE, 16)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> dense(1, 1, 1, F32, F32, Epilogue.NONE, 12)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Product(true, false, 3, 1, 1, 2, 1, 1, 1, 0, 0, 0, 1, 0, F32, F32, Epilogue.NONE))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Product(false, false, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, F32, F32, Epilogue.BIAS))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void workspaceIsAsAdvised() {
        assertThat(CudaBlas.advisedWorkspace(8)).isEqualTo(4 << 20);
        assertThat(CudaBlas.advisedWorkspace(9)).isEqualTo(32 << 20);
    }

    @Test
    void alignmentIsThatOfTheWorstAddress() {
        assertThat(CudaBlas.alignment(512, 256, 48, 0)).isEqualTo(16);
        assertThat(CudaBlas.alignment(512, 264, 48, 0)).isEqualTo(8);
        assertThat(CudaBlas.alignment(512, 256, 48, 4)).isEqualTo(4);
        assertThat(CudaBlas.alignment(514, 256, 48, 4)).isEqualTo(2);
    }

    // What cuBLASLt alone has

    @Test
    void alignmentBelow16IsTheSearchsAndABiasIsThenLeftToTheCaller() {
        use(Provider.PANAMA);
        var random = new SplittableRandom(6);
        try (CudaBlas blas = Provider.PANAMA.open()) {
            for (Epilogue epilogue : Epilogue.values()) {
                Product product = dense(3, 5, 4, F32, F32, epilogue, 4);
                Plan plan = blas.plan(product);
                assertThat(plan.fusesEpilogue()).isEqualTo(!epilogue.hasBias());
                check(product, plan, random, 4);
            }
            Product product = dense(3, 5, 4, F32, F32, Epilogue.NONE, 16);
            Plan plan = blas.plan(product);
            assertThatThrownBy(() -> check(product, plan, random, 4)).isInstanceOf(CudaException.class);
        }
    }

    @Test
    void withoutAnAlgorithmForTheEpilogueItIsLeftToTheCaller() {
        use(Provider.PANAMA);
        Product product = dense(3, 5, 4, BF16, BF16, Epilogue.RELU_BIAS, 16);
        try (CudaBlas blas = Provider.PANAMA.open()) {
            standIn.call("standin_refuse", 6L, 1L);
            Plan plan = blas.plan(product);
            assertThat(plan.fusesEpilogue()).isFalse();
            check(product, plan, new SplittableRandom(7), 16);
            standIn.call("standin_refuse", 1L, 1L);
            assertThatThrownBy(() -> blas.plan(product)).isInstanceOf(CudaException.class)
                    .hasMessageContaining("CUBLAS_STATUS_NOT_SUPPORTED (15): no algorithm for Product[").hasMessageContaining("m=3, n=5, k=4");
        } finally {
            standIn.call("standin_refuse", 6L, 0L);
            standIn.call("standin_refuse", 1L, 0L);
        }
        assertThat(number("standin_objects")).isZero();
    }

    @Test
    void deterministicSumsMeetInFp32() {
        use(Provider.PANAMA);
        assertThat(reduction(LIMIT, false, F32)).isEqualTo(CublasLtLibrary.REDUCTION_INPLACE);
        assertThat(reduction(LIMIT, true, F32)).isEqualTo(CublasLtLibrary.REDUCTION_COMPUTE_TYPE);
        assertThat(reduction(LIMIT, false, BF16)).isEqualTo(CublasLtLibrary.REDUCTION_COMPUTE_TYPE);
        assertThat(reduction(0, true, F32)).isEqualTo(CublasLtLibrary.REDUCTION_NONE);
    }

    private long reduction(long limit, boolean deterministic, NumberType type) {
        try (CudaBlas blas = CublasLt.open(limit, deterministic)) {
            Product product = dense(3, 5, 4, type, type, Epilogue.NONE, 16);
            Plan plan = blas.plan(product);
            assertThat(plan.workspace()).isLessThanOrEqualTo(limit);
            check(product, plan, new SplittableRandom(8), 16);
            return number("standin_last_reduction");
        }
    }

    @Test
    void versionsBefore12AreRefused() {
        use(Provider.PANAMA);
        try (CudaBlas blas = Provider.PANAMA.open()) {
            assertThat(blas.description()).isEqualTo("cuBLASLt 13.1.1 (Panama)");
        }
        standIn.call("standin_version", 110901L);
        try {
            assertThatThrownBy(Provider.PANAMA::open).isInstanceOf(BadInput.class).hasMessageContaining("11.9.1").hasMessageContaining("12 or 13")
                    .hasMessageContaining("pip install nvidia-cublas");
        } finally {
            standIn.call("standin_version", 130101L);
        }
    }

    // What cuBLAS through JCuda alone has

    @Test
    void cublasKeepsTheCallersWorkspaceAndAddsInFp32() {
        use(Provider.JCUDA);
        assertThat(JCublas.isAvailable()).isTrue();
        try (CudaBlas blas = Provider.JCUDA.open(); Arena arena = Arena.ofConfined()) {
            assertThat(blas.description()).isEqualTo("cuBLAS 12.6.4 (JCuda)");
            Plan plan = blas.plan(dense(1, 1, 1, F32, F32, Epilogue.NONE, 16));
            long factors = arena.allocate(64, 16).address();
            long[] workspaces = {arena.allocate(LIMIT, 256).address(), arena.allocate(LIMIT, 256).address()};
            for (int i = 0; i < 4; i++) { // a new stream, a new workspace, both
                plan.run(factors, factors, factors + 32, 0, workspaces[i / 2], STREAM + i % 3);
                assertThat(number("standin_last_workspace")).isEqualTo(workspaces[i / 2]);
                assertThat(number("standin_last_stream")).isEqualTo(STREAM + i % 3);
            }
            assertThat(number("standin_last_math")).isEqualTo(16); // CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION
        }
    }
}
