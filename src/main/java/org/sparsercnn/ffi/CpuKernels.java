package org.sparsercnn.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The CPU side of the kernels ({@code native/*.cpp} and {@code kernels/*.cu} as g++ builds them) and OpenBLAS under them. */
public final class CpuKernels {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup LIBRARY = load();
    private static final Map<String, MemorySegment> SYMBOLS = new ConcurrentHashMap<>();

    private static final MethodHandle POOL_CREATE = function("pool_create", "LLL");
    private static final MethodHandle POOL_DESTROY = function("pool_destroy", "VL");
    private static final MethodHandle POOL_LAUNCH = function("pool_launch", "VLLLL");
    private static final MethodHandle GEMM = function("gemm", "VLL");
    private static final MethodHandle CONV_FORWARD = function("conv_forward", "VLL");
    private static final MethodHandle CONV_BACKWARD_DATA = function("conv_backward_data", "VLL");
    private static final MethodHandle CONV_BACKWARD_WEIGHT = function("conv_backward_weight", "VLL");
    private static final MethodHandle CONV_WEIGHT_SLABS = function("conv_weight_slabs", "LL");
    private static final MethodHandle MEMORY_ALLOCATE = function("memory_allocate", "LL");
    private static final MethodHandle MEMORY_FREE = function("memory_free", "VLL");

    private CpuKernels() {}

    private static SymbolLookup load() {
        SymbolLookup library = NativeLibraries.open("sparsercnn");
        MemorySegment sgemm = NativeLibraries.open("openblas").findOrThrow("cblas_sgemm");
        MemorySegment setThreads = NativeLibraries.open("openblas").findOrThrow("openblas_set_num_threads");
        try {
            // Our pool splits the work; OpenBLAS computes on the thread that calls it.
            LINKER.downcallHandle(setThreads, FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT)).invokeExact(1);
            LINKER.downcallHandle(library.findOrThrow("gemm_use"), FunctionDescriptor.ofVoid(ValueLayout.ADDRESS)).invokeExact(sgemm);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
        return library;
    }

    /** One letter per type, the result first: L is a 64-bit integer or address, V nothing. */
    private static MethodHandle function(String name, String types) {
        var arguments = new java.lang.foreign.MemoryLayout[types.length() - 1];
        java.util.Arrays.fill(arguments, ValueLayout.JAVA_LONG);
        return LINKER.downcallHandle(LIBRARY.findOrThrow(name),
                types.charAt(0) == 'V' ? FunctionDescriptor.ofVoid(arguments) : FunctionDescriptor.of(ValueLayout.JAVA_LONG, arguments));
    }

    /** The address of a kernel's entry; an unknown name is a defect of ours. */
    public static long kernel(String name) {
        MemorySegment known = SYMBOLS.get(name);
        return (known != null ? known : SYMBOLS.computeIfAbsent(name, LIBRARY::findOrThrow)).address();
    }

    public static boolean has(String name) {
        return SYMBOLS.containsKey(name) || LIBRARY.find(name).isPresent();
    }

    /** The struct's fields as the kernel's source spells them, for the test that compares them with Java's. */
    public static String kernelFields(String name) {
        try {
            MethodHandle fields = LINKER.downcallHandle(LIBRARY.findOrThrow(name + "_fields"), FunctionDescriptor.of(ValueLayout.ADDRESS));
            return ((MemorySegment) fields.invokeExact()).reinterpret(4096).getString(0);
        } catch (Throwable e) {
            throw new AssertionError(name, e);
        }
    }

    /** @param pin index of the first CPU to sit on, or -1 to float */
    public static long createPool(long threads, long pin) {
        try {
            return (long) POOL_CREATE.invokeExact(threads, pin);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    public static void destroyPool(long pool) {
        try {
            POOL_DESTROY.invokeExact(pool);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    public static void launch(long pool, long kernel, long args, long blocks) {
        try {
            POOL_LAUNCH.invokeExact(pool, kernel, args, blocks);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    public static void gemm(long pool, long args) {
        call(GEMM, pool, args);
    }

    public static void convForward(long pool, long args) {
        call(CONV_FORWARD, pool, args);
    }

    public static void convBackwardData(long pool, long args) {
        call(CONV_BACKWARD_DATA, pool, args);
    }

    public static void convBackwardWeight(long pool, long args) {
        call(CONV_BACKWARD_WEIGHT, pool, args);
    }

    public static long convWeightSlabs(long args) {
        try {
            return (long) CONV_WEIGHT_SLABS.invokeExact(args);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** 64-byte aligned memory, or 0 when the system has none left. */
    public static long allocate(long bytes) {
        try {
            return (long) MEMORY_ALLOCATE.invokeExact(bytes);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    public static void free(long address, long bytes) {
        call(MEMORY_FREE, address, bytes);
    }

    private static void call(MethodHandle handle, long first, long second) {
        try {
            handle.invokeExact(first, second);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** A block of native memory that lives as long as {@code arena}. */
    public static MemorySegment block(Arena arena, long bytes) {
        return arena.allocate(bytes, 64);
    }
}
