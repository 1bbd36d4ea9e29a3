package org.sparsercnn.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.sparsercnn.ffi.cuda.CublasLtLibrary.*;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.ArrayList;
import java.util.List;

/**
 * Matrix products by cuBLASLt 12 or 13.
 *
 * <p>cuBLASLt is column-major. A row-major matrix read that way is its transpose, so {@code C = op(A) op(B)} is asked for as
 * {@code C' = op(B)' op(A)'}: the factors change places and each keeps its transposition. The bias, one per column of C, then runs
 * along the rows of C', which is where the library's epilogue adds it; its type is C's, by default.
 *
 * <p>The algorithm is the first that the library's heuristics name: for one version and one device always the same. Nothing is timed,
 * since what a clock chooses differs from run to run.
 */
public final class CublasLt implements CudaBlas {
    private final Arena arena = Arena.ofShared();
    private final CublasLtLibrary library;
    private final long workspaceLimit;
    private final boolean deterministic;
    private final long handle;
    /** What the plans hold, to be destroyed with the handle. */
    private final List<Runnable> owned = new ArrayList<>();

    /**
     * For the device of the current context.
     *
     * @param symbols of libcublasLt
     * @param workspaceLimit most bytes a plan may want, see {@link CudaBlas#advisedWorkspace}
     * @param deterministic leaves out algorithms whose partial sums meet in the result itself
     * @throws org.sparsercnn.util.BadInput where the library is too old
     * @throws CudaException where it cannot use the device
     */
    public CublasLt(SymbolLookup symbols, long workspaceLimit, boolean deterministic) {
        this.library = new CublasLtLibrary(symbols);
        this.workspaceLimit = workspaceLimit;
        this.deterministic = deterministic;
        this.handle = library.create("cublasLtCreate");
    }

    /** With the library of this machine. */
    public static CublasLt open(long workspaceLimit, boolean deterministic) {
        var found = CudaLibraries.ofThisMachine().require(CudaLibraries.Library.CUBLAS_LT);
        return new CublasLt(found.symbols(), workspaceLimit, deterministic);
    }

    @Override
    public String description() {
        return "cuBLASLt " + library.versionText() + " (Panama)";
    }

    /**
     * Where there is no algorithm with the epilogue, the plan is one without. So it is with a bias that is not fully aligned: the
     * preferences of the search have an alignment for A, B, C and D but none for the bias, and its kernels may read 16 bytes at once.
     *
     * @throws CudaException where there is no algorithm at all
     */
    @Override
    public Plan plan(Product product) {
        if (product.isEmpty()) return NOTHING;
        Matmul matmul = new Matmul(product);
        boolean biasAligned = product.alignment() == FULL_ALIGNMENT || !product.epilogue().hasBias();
        if (biasAligned && matmul.choose(product.epilogue())) return matmul;
        if (product.epilogue() != Epilogue.NONE && matmul.choose(Epilogue.NONE)) return matmul;
        throw library.unsupported(product);
    }

    @Override
    public void close() {
        owned.reversed().forEach(Runnable::run);
        library.destroy("cublasLtDestroy", handle);
        arena.close();
    }

    private static final Plan NOTHING = new Plan() {
        @Override
        public long workspace() {
            return 0;
        }

        @Override
        public boolean fusesEpilogue() {
            return true;
        }

        @Override
        public void run(long a, long b, long c, long bias, long workspace, long stream) {}
    };

    /** Descriptors, scalars and algorithm of a product, all in native memory. Names are row-major: A is the library's B. */
    private final class Matmul implements Plan {
        private final Product product;
        private final long desc;
        private final long layoutA;
        private final long layoutB;
        private final long layoutC;
        private final long alpha;
        private final long beta;
        private final MemorySegment bias = arena.allocate(JAVA_LONG);
        private final MemorySegment chosen = arena.allocate(HEURISTIC_RESULT);
        private Epilogue epilogue;
        private long workspace;

        Matmul(Product p) {
            product = p;
            desc = owned("cublasLtMatmulDescDestroy",
                    library.createDesc(p.factors() == NumberType.TF32 ? COMPUTE_32F_FAST_TF32 : COMPUTE_32F, R_32F));
            layoutA = layout(p.factors(), p.transA() ? p.m() : p.k(), p.transA() ? p.k() : p.m(), p.lda(), p.strideA());
            layoutB = layout(p.factors(), p.transB() ? p.k() : p.n(), p.transB() ? p.n() : p.k(), p.ldb(), p.strideB());
            layoutC = layout(p.result(), p.n(), p.m(), p.ldc(), p.strideC());
            alpha = arena.allocateFrom(JAVA_FLOAT, p.alpha()).address();
            beta = arena.allocateFrom(JAVA_FLOAT, p.beta()).address();
            try (Arena values = Arena.ofConfined()) {
                library.setDesc(desc, DESC_TRANSA, values.allocateFrom(JAVA_INT, p.transB() ? OP_T : OP_N));
                library.setDesc(desc, DESC_TRANSB, values.allocateFrom(JAVA_INT, p.transA() ? OP_T : OP_N));
            }
        }

        private long layout(NumberType type, long rows, long columns, long ld, long stride) {
            long layout = owned("cublasLtMatrixLayoutDestroy",
                    library.createLayout(type == NumberType.BF16 ? R_16BF : R_32F, rows, columns, ld));
            try (Arena values = Arena.ofConfined()) {
                library.setLayout(layout, LAYOUT_BATCH_COUNT, values.allocateFrom(JAVA_INT, Math.toIntExact(product.batch())));
                library.setLayout(layout, LAYOUT_STRIDED_BATCH_OFFSET, values.allocateFrom(JAVA_LONG, stride));
            }
            return layout;
        }

        private long owned(String destroy, long object) {
            owned.add(() -> library.destroy(destroy, object));
            return object;
        }

        /** Settles on an algorithm. @return whether there is one with this epilogue */
        private boolean choose(Epilogue wanted) {
            epilogue = wanted;
            long preference = library.create("cublasLtMatmulPreferenceCreate");
            try (Arena values = Arena.ofConfined()) {
                library.setDesc(desc, DESC_EPILOGUE, values.allocateFrom(JAVA_INT, switch (wanted) {
                    case NONE -> EPILOGUE_DEFAULT;
                    case BIAS -> EPILOGUE_BIAS;
                    case RELU -> EPILOGUE_RELU;
                    case RELU_BIAS -> EPILOGUE_RELU | EPILOGUE_BIAS;
                }));
                if (wanted.hasBias()) {
                    bias.set(JAVA_LONG, 0, FULL_ALIGNMENT); // never read here, but its alignment is
                    library.setBias(desc, bias.address());
                }
                library.setPreference(preference, PREF_MAX_WORKSPACE_BYTES, values.allocateFrom(JAVA_LONG, workspaceLimit));
                library.setPreference(preference, PREF_REDUCTION_SCHEME_MASK, values.allocateFrom(JAVA_INT, reductions()));
                MemorySegment alignment = values.allocateFrom(JAVA_INT, product.alignment());
                for (int matrix = 0; matrix < 4; matrix++) {
                    library.setPreference(preference, PREF_MIN_ALIGNMENT_A_BYTES + matrix, alignment);
                }
                boolean found = library.heuristic(handle, desc, layoutB, layoutA, layoutC, preference, chosen);
                if (found) workspace = CublasLtLibrary.workspace(chosen);
                return found;
            } finally {
                library.destroy("cublasLtMatmulPreferenceDestroy", preference);
            }
        }

        /**
         * How parts of a sum may be brought together (split-K). In the output's type they would be rounded to bf16 before they are
         * added; in place they meet in an order that is not documented. Partial sums in fp32, added by a second kernel, are neither.
         */
        private int reductions() {
            int exact = REDUCTION_NONE | REDUCTION_COMPUTE_TYPE;
            return deterministic || product.result() == NumberType.BF16 ? exact : exact | REDUCTION_INPLACE | REDUCTION_OUTPUT_TYPE;
        }

        @Override
        public long workspace() {
            return workspace;
        }

        @Override
        public boolean fusesEpilogue() {
            return epilogue == product.epilogue();
        }

        @Override
        public void run(long a, long b, long c, long biasAddress, long workspaceAddress, long stream) {
            if (epilogue.hasBias()) {
                bias.set(JAVA_LONG, 0, biasAddress);
                library.setBias(desc, bias.address());
            }
            library.matmul(handle, desc, alpha, b, layoutB, a, layoutA, beta, c, layoutC, chosen.address(), workspaceAddress, workspace,
                    stream);
        }
    }
}
