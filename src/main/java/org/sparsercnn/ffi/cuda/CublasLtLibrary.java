package org.sparsercnn.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Collections;
import org.sparsercnn.util.BadInput;

/**
 * The functions of cuBLASLt that {@link CublasLt} calls; numbers and layouts are those of cublasLt.h, equal in 12 and 13. Pointers
 * are longs, so that a call allocates nothing on the Java heap. A call that fails throws {@link CudaException}.
 */
final class CublasLtLibrary {
    static final int COMPUTE_32F = 68;
    static final int COMPUTE_32F_FAST_TF32 = 77;
    static final int R_32F = 0;
    static final int R_16BF = 14;
    static final int OP_N = 0;
    static final int OP_T = 1;

    static final int DESC_TRANSA = 3;
    static final int DESC_TRANSB = 4;
    static final int DESC_EPILOGUE = 7;
    static final int DESC_BIAS_POINTER = 8;

    static final int LAYOUT_BATCH_COUNT = 5;
    static final int LAYOUT_STRIDED_BATCH_OFFSET = 6;

    static final int PREF_MAX_WORKSPACE_BYTES = 1;
    static final int PREF_REDUCTION_SCHEME_MASK = 3;
    /** MIN_ALIGNMENT_A_BYTES; those of B, C and D follow. */
    static final int PREF_MIN_ALIGNMENT_A_BYTES = 5;

    static final int EPILOGUE_DEFAULT = 1;
    static final int EPILOGUE_RELU = 2;
    static final int EPILOGUE_BIAS = 4;

    static final int REDUCTION_NONE = 0;
    static final int REDUCTION_INPLACE = 1;
    static final int REDUCTION_COMPUTE_TYPE = 2;
    static final int REDUCTION_OUTPUT_TYPE = 4;

    /** cublasLtMatmulHeuristicResult_t: an algorithm of 64 opaque bytes first. */
    static final MemoryLayout HEURISTIC_RESULT = MemoryLayout.structLayout(MemoryLayout.sequenceLayout(8, JAVA_LONG).withName("algo"),
            JAVA_LONG.withName("workspaceSize"), JAVA_INT.withName("state"), ValueLayout.JAVA_FLOAT.withName("wavesCount"),
            MemoryLayout.sequenceLayout(4, JAVA_INT).withName("reserved"));

    private static final int NOT_SUPPORTED = 15;
    private static final int WANTED_MAJOR = 12;

    // One handle per signature; the function's address is an argument, so that a library is an ordinary object.
    private static final MethodHandle VERSION = signature(JAVA_LONG);
    private static final MethodHandle STATUS_TEXT = signature(JAVA_LONG, JAVA_INT);
    private static final MethodHandle ON_POINTER = signature(JAVA_INT, JAVA_LONG);
    private static final MethodHandle CREATE_DESC = signature(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT);
    private static final MethodHandle CREATE_LAYOUT = signature(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle SET_ATTRIBUTE = signature(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle HEURISTIC = signature(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
            JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle MATMUL = signature(JAVA_INT, Collections.nCopies(16, JAVA_LONG).toArray(MemoryLayout[]::new));

    private final SymbolLookup symbols;
    private final long version;
    private final MemorySegment setDesc;
    private final MemorySegment setLayout;
    private final MemorySegment setPreference;
    private final MemorySegment matmul;

    /** @throws BadInput where it is older than 12 */
    CublasLtLibrary(SymbolLookup symbols) {
        this.symbols = symbols;
        version = call("cublasLtGetVersion");
        if (version < WANTED_MAJOR * 10_000) {
            throw BadInput.of("cuBLASLt %s was found; wanted is version 12 or 13. %s", versionText(), CudaLibraries.Library.CUBLAS_LT.remedy());
        }
        setDesc = symbols.findOrThrow("cublasLtMatmulDescSetAttribute");
        setLayout = symbols.findOrThrow("cublasLtMatrixLayoutSetAttribute");
        setPreference = symbols.findOrThrow("cublasLtMatmulPreferenceSetAttribute");
        matmul = symbols.findOrThrow("cublasLtMatmul");
    }

    private static MethodHandle signature(MemoryLayout result, MemoryLayout... arguments) {
        return Linker.nativeLinker().downcallHandle(FunctionDescriptor.of(result, arguments));
    }

    /** "13.1.1". */
    String versionText() {
        return version / 10_000 + "." + version / 100 % 100 + "." + version % 100;
    }

    /** The opaque object that this function creates. */
    long create(String function) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_LONG);
            check(function, (int) ON_POINTER.invokeExact(symbols.findOrThrow(function), out.address()));
            return out.get(JAVA_LONG, 0);
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    void destroy(String function, long object) {
        try {
            check(function, (int) ON_POINTER.invokeExact(symbols.findOrThrow(function), object));
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    long createDesc(int computeType, int scaleType) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_LONG);
            String function = "cublasLtMatmulDescCreate";
            check(function, (int) CREATE_DESC.invokeExact(symbols.findOrThrow(function), out.address(), computeType, scaleType));
            return out.get(JAVA_LONG, 0);
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    /** A column-major matrix: {@code ld} elements between two columns. */
    long createLayout(int type, long rows, long columns, long ld) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_LONG);
            String function = "cublasLtMatrixLayoutCreate";
            check(function, (int) CREATE_LAYOUT.invokeExact(symbols.findOrThrow(function), out.address(), type, rows, columns, ld));
            return out.get(JAVA_LONG, 0);
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    void setDesc(long desc, int attribute, MemorySegment value) {
        set("cublasLtMatmulDescSetAttribute", setDesc, desc, attribute, value.address(), value.byteSize());
    }

    /** The bias that the next product adds, with its address in {@code slot}. Host memory only, some nanoseconds. */
    void setBias(long desc, long slot) {
        set("cublasLtMatmulDescSetAttribute", setDesc, desc, DESC_BIAS_POINTER, slot, Long.BYTES);
    }

    void setLayout(long layout, int attribute, MemorySegment value) {
        set("cublasLtMatrixLayoutSetAttribute", setLayout, layout, attribute, value.address(), value.byteSize());
    }

    void setPreference(long preference, int attribute, MemorySegment value) {
        set("cublasLtMatmulPreferenceSetAttribute", setPreference, preference, attribute, value.address(), value.byteSize());
    }

    private void set(String name, MemorySegment function, long object, int attribute, long value, long bytes) {
        try {
            check(name, (int) SET_ATTRIBUTE.invokeExact(function, object, attribute, value, bytes));
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    /**
     * Asks for the algorithm that is expected to be fastest.
     *
     * @param result a {@link #HEURISTIC_RESULT}
     * @return whether there is one
     */
    boolean heuristic(long handle, long desc, long a, long b, long c, long preference, MemorySegment result) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(JAVA_INT);
            String function = "cublasLtMatmulAlgoGetHeuristic";
            int status = (int) HEURISTIC.invokeExact(symbols.findOrThrow(function), handle, desc, a, b, c, c, preference, 1,
                    result.address(), count.address());
            if (status == NOT_SUPPORTED) return false;
            check(function, status);
            return count.get(JAVA_INT, 0) > 0 && result.get(JAVA_INT, HEURISTIC_RESULT.byteOffset(groupElement("state"))) == 0;
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    static long workspace(MemorySegment heuristicResult) {
        return heuristicResult.get(JAVA_LONG, HEURISTIC_RESULT.byteOffset(groupElement("workspaceSize")));
    }

    private static MemoryLayout.PathElement groupElement(String name) {
        return MemoryLayout.PathElement.groupElement(name);
    }

    /** The product is written over C. */
    void matmul(long handle, long desc, long alpha, long a, long layoutA, long b, long layoutB, long beta, long c, long layoutC, long algo,
                long workspace, long workspaceBytes, long stream) {
        int status;
        try {
            status = (int) MATMUL.invokeExact(matmul, handle, desc, alpha, a, layoutA, b, layoutB, beta, c, layoutC, c, layoutC, algo,
                    workspace, workspaceBytes, stream);
        } catch (Throwable e) {
            throw thrown(e);
        }
        check("cublasLtMatmul", status);
    }

    /** What a product is told for which there is no algorithm. */
    CudaException unsupported(CudaBlas.Product product) {
        return new CudaException("cuBLAS", "cublasLtMatmulAlgoGetHeuristic", NOT_SUPPORTED, text("cublasLtGetStatusName", NOT_SUPPORTED),
                "no algorithm for " + product);
    }

    private void check(String function, int status) {
        if (status != 0) {
            throw new CudaException("cuBLAS", function, status, text("cublasLtGetStatusName", status),
                    text("cublasLtGetStatusString", status));
        }
    }

    private String text(String function, int status) {
        try {
            long text = (long) STATUS_TEXT.invokeExact(symbols.findOrThrow(function), status);
            return text == 0 ? "?" : MemorySegment.ofAddress(text).reinterpret(Long.MAX_VALUE).getString(0);
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    private long call(String function) {
        try {
            return (long) VERSION.invokeExact(symbols.findOrThrow(function));
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    private static RuntimeException thrown(Throwable e) {
        if (e instanceof RuntimeException already) return already;
        throw new AssertionError(e);
    }
}
