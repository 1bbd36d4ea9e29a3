package org.sparsercnn.ffi.jcuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static jcuda.cudaDataType.CUDA_R_16BF;
import static jcuda.cudaDataType.CUDA_R_32F;
import static jcuda.jcublas.cublasComputeType.CUBLAS_COMPUTE_32F;
import static jcuda.jcublas.cublasComputeType.CUBLAS_COMPUTE_32F_FAST_TF32;
import static jcuda.jcublas.cublasGemmAlgo.CUBLAS_GEMM_DEFAULT;
import static jcuda.jcublas.cublasMath.CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;
import static jcuda.jcublas.cublasOperation.CUBLAS_OP_N;
import static jcuda.jcublas.cublasOperation.CUBLAS_OP_T;
import static org.sparsercnn.ffi.jcuda.NativePointers.at;

import java.lang.foreign.Arena;
import jcuda.Pointer;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import jcuda.runtime.cudaStream_t;
import org.sparsercnn.ffi.cuda.CudaBlas;
import org.sparsercnn.ffi.cuda.CudaException;
import org.sparsercnn.ffi.cuda.CudaLibraries;
import org.sparsercnn.ffi.cuda.CudaLibraries.Found;
import org.sparsercnn.ffi.cuda.CudaLibraries.Library;
import org.sparsercnn.ffi.cuda.CudaLibraries.Missing;
import org.sparsercnn.ffi.cuda.NumberType;
import org.sparsercnn.util.BadInput;

/**
 * Matrix products by cuBLAS 12 through JCuda 12.6. Factors change places as in {@code ffi.cuda.CublasLt}, since cuBLAS is
 * column-major too. It has no epilogues, so its plans leave bias and ReLU to their callers.
 *
 * <p>With a workspace of its own for a stream, cuBLAS gives equal results from run to run, as NVIDIA promises for one version on one
 * kind of device; there is nothing to choose for {@code --deterministic}.
 */
public final class JCublas implements CudaBlas {
    private final Arena arena = Arena.ofShared();
    private final cublasHandle handle = new cublasHandle();
    private final cudaStream_t stream = new cudaStream_t();
    private final Pointer workspace = new Pointer();
    private final Pointer a = new Pointer();
    private final Pointer b = new Pointer();
    private final Pointer c = new Pointer();
    private final long workspaceBytes;
    private final int version;
    private long usedStream = -1;
    private long usedWorkspace = -1;

    /**
     * For the device of the current context.
     *
     * @param workspaceBytes what every plan wants, see {@link CudaBlas#advisedWorkspace}
     * @throws BadInput where libcublas.so.12 or JCuda's library is missing
     * @throws CudaException where cuBLAS cannot use the device
     */
    public JCublas(long workspaceBytes) {
        this.workspaceBytes = workspaceBytes;
        if (find() instanceof Missing missing) {
            throw new BadInput(missing.message() + "\nJCuda 12.6 needs cuBLAS 12: pip install nvidia-cublas-cu12; or leave out"
                    + " -Dsparsercnn.cuda.binding=jcuda to use cuBLAS 12 or 13 through Panama");
        }
        JCudaNatives.initialize(JCublas2.class, "JCublas2");
        check("cublasCreate", JCublas2.cublasCreate(handle));
        // bf16 results of sums in parts: the parts are added in fp32
        check("cublasSetMathMode", JCublas2.cublasSetMathMode(handle, CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION));
        int[] number = new int[1];
        check("cublasGetVersion", JCublas2.cublasGetVersion(handle, number));
        version = number[0];
    }

    /** Whether this machine has the cuBLAS 12 that JCuda needs; with cuBLAS 13 alone there is {@code ffi.cuda.CublasLt}. */
    public static boolean isAvailable() {
        return find() instanceof Found;
    }

    /** Loads it too, from wherever it lies; JCuda's library asks the loader for it by name and gets this one. */
    private static CudaLibraries.Search find() {
        return CudaLibraries.ofThisMachine().find(Library.CUBLAS, 12);
    }

    @Override
    public String description() {
        return "cuBLAS " + version / 10_000 + "." + version / 100 % 100 + "." + version % 100 + " (JCuda)";
    }

    @Override
    public Plan plan(Product product) {
        return new Gemm(product);
    }

    @Override
    public void close() {
        check("cublasDestroy", JCublas2.cublasDestroy(handle));
        arena.close();
    }

    private static void check(String call, int status) {
        if (status != 0) {
            throw new CudaException("cuBLAS", call, status, JCublas2.cublasGetStatusName(status), JCublas2.cublasGetStatusString(status));
        }
    }

    /** Another stream makes cuBLAS forget the workspace it was given. */
    private void use(long newStream, long newWorkspace) {
        if (newStream == usedStream && newWorkspace == usedWorkspace) return;
        check("cublasSetStream", JCublas2.cublasSetStream(handle, at(stream, newStream)));
        check("cublasSetWorkspace", JCublas2.cublasSetWorkspace(handle, at(workspace, newWorkspace), workspaceBytes));
        usedStream = newStream;
        usedWorkspace = newWorkspace;
    }

    /** A product in the library's 32-bit sizes. Names are row-major: A is the library's B. */
    private final class Gemm implements Plan {
        private final Product p;
        private final int m;
        private final int n;
        private final int k;
        private final int lda;
        private final int ldb;
        private final int ldc;
        private final int batch;
        private final Pointer alpha;
        private final Pointer beta;

        Gemm(Product product) {
            p = product;
            m = Math.toIntExact(p.m());
            n = Math.toIntExact(p.n());
            k = Math.toIntExact(p.k());
            lda = Math.toIntExact(p.lda());
            ldb = Math.toIntExact(p.ldb());
            ldc = Math.toIntExact(p.ldc());
            batch = Math.toIntExact(p.batch());
            alpha = at(new Pointer(), arena.allocateFrom(JAVA_FLOAT, p.alpha()).address());
            beta = at(new Pointer(), arena.allocateFrom(JAVA_FLOAT, p.beta()).address());
        }

        @Override
        public long workspace() {
            return p.isEmpty() ? 0 : workspaceBytes;
        }

        @Override
        public boolean fusesEpilogue() {
            return p.epilogue() == Epilogue.NONE || p.isEmpty();
        }

        @Override
        public void run(long addressA, long addressB, long addressC, long bias, long workspaceAddress, long onStream) {
            if (p.isEmpty()) return;
            use(onStream, workspaceAddress);
            int compute = p.factors() == NumberType.TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
            // The method without "_new" in its name is not to be found in JCuda's library.
            check("cublasGemmStridedBatchedEx", JCublas2.cublasGemmStridedBatchedEx_new(handle, operation(p.transB()), operation(p.transA()),
                    n, m, k, alpha, at(b, addressB), type(p.factors()), ldb, p.strideB(), at(a, addressA), type(p.factors()), lda, p.strideA(),
                    beta, at(c, addressC), type(p.result()), ldc, p.strideC(), batch, compute, CUBLAS_GEMM_DEFAULT));
        }

        private static int operation(boolean transposed) {
            return transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
        }

        private static int type(NumberType type) {
            return type == NumberType.BF16 ? CUDA_R_16BF : CUDA_R_32F;
        }
    }
}
