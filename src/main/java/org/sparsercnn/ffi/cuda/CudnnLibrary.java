package org.sparsercnn.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import org.sparsercnn.util.BadInput;

/**
 * cuDNN's functions, as far as both ways to a convolution use them. Pointers and handles are longs, so that a call allocates nothing
 * on the Java heap; a call that fails throws {@link CudaException} with cuDNN's own words.
 *
 * <p>The handles are fields of an object rather than static: that costs 2 ns a call, beside microseconds for queueing a convolution,
 * and keeps a library that is missing or too old an ordinary error.
 */
final class CudnnLibrary {
    private static final int WANTED_MAJOR = 9;
    private static final int MESSAGE_BYTES = 2048;

    private final SymbolLookup symbols;
    private final long version;
    private final MethodHandle create;
    private final MethodHandle destroy;
    private final MethodHandle setStream;
    private final MethodHandle createDescriptor;
    private final MethodHandle destroyDescriptor;
    private final MethodHandle setAttribute;
    private final MethodHandle getAttribute;
    private final MethodHandle finish;
    private final MethodHandle execute;
    private final MethodHandle errorString;
    private final MethodHandle lastErrorString;

    /** @throws BadInput where it is not cuDNN 9 */
    CudnnLibrary(CudaLibraries.Found found) {
        symbols = found.symbols();
        try {
            version = (long) function("cudnnGetVersion", "L").invokeExact();
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
        // 9.x says 9xxyy, versions before 9 said 8xyy
        if (version / 10_000 != WANTED_MAJOR) {
            throw BadInput.of("%s says it is version %s of cuDNN; %d is wanted. %s", found.file(), versionName(), WANTED_MAJOR,
                    CudaLibraries.Library.CUDNN.remedy());
        }
        create = function("cudnnCreate", "IL");
        destroy = function("cudnnDestroy", "IL");
        setStream = function("cudnnSetStream", "ILL");
        createDescriptor = function("cudnnBackendCreateDescriptor", "IIL");
        destroyDescriptor = function("cudnnBackendDestroyDescriptor", "IL");
        setAttribute = function("cudnnBackendSetAttribute", "ILIILL");
        getAttribute = function("cudnnBackendGetAttribute", "ILIILLL");
        finish = function("cudnnBackendFinalize", "IL");
        execute = function("cudnnBackendExecute", "ILLL");
        errorString = function("cudnnGetErrorString", "LI");
        lastErrorString = function("cudnnGetLastErrorString", "VLL");
    }

    /** One letter per type, the result first: I an int or enum, L a 64-bit integer or address, V nothing. */
    MethodHandle function(String name, String types) {
        var arguments = new MemoryLayout[types.length() - 1];
        for (int i = 0; i < arguments.length; i++) arguments[i] = types.charAt(i + 1) == 'I' ? JAVA_INT : JAVA_LONG;
        MemorySegment address = symbols.find(name).orElseThrow(() -> BadInput.of("cuDNN %s has no %s; install another version. %s",
                versionName(), name, CudaLibraries.Library.CUDNN.remedy()));
        return Linker.nativeLinker().downcallHandle(address, switch (types.charAt(0)) {
            case 'V' -> FunctionDescriptor.ofVoid(arguments);
            case 'I' -> FunctionDescriptor.of(JAVA_INT, arguments);
            default -> FunctionDescriptor.of(JAVA_LONG, arguments);
        });
    }

    /** As {@code cudnnGetVersion}: 92400 for 9.24.0. */
    long version() {
        return version;
    }

    /** "9.24.0" */
    String versionName() {
        long unit = version >= 10_000 ? 10_000 : 1000;
        return version / unit + "." + version % unit / 100 + "." + version % 100;
    }

    /** @param target where the handle of the current context's device is written */
    void create(long target) {
        try {
            check((int) create.invokeExact(target), "cudnnCreate");
        } catch (Throwable e) {
            throw rethrow(e);
        }
    }

    void destroy(long handle) {
        try {
            check((int) destroy.invokeExact(handle), "cudnnDestroy");
        } catch (Throwable e) {
            throw rethrow(e);
        }
    }

    void setStream(long handle, long stream) {
        try {
            check((int) setStream.invokeExact(handle, stream), "cudnnSetStream");
        } catch (Throwable e) {
            throw rethrow(e);
        }
    }

    /** @param target where the descriptor is written */
    void createDescriptor(int type, long target) {
        try {
            check((int) createDescriptor.invokeExact(type, target), "cudnnBackendCreateDescriptor");
        } catch (Throwable e) {
            throw rethrow(e);
        }
    }

    void destroyDescriptor(long descriptor) {
        try {
            check((int) destroyDescriptor.invokeExact(descriptor), "cudnnBackendDestroyDescriptor");
        } catch (Throwable e) {
            throw rethrow(e);
        }
    }

    void setAttribute(long descriptor, CudnnAttribute attribute, long count, long values) {
        try {
            int status = (int) setAttribute.invokeExact(descriptor, attribute.id(), attribute.type().id(), count, values);
            if (status != 0) throw failure(status, "cudnnBackendSetAttribute(" + attribute + ")");
        } catch (Throwable e) {
            throw rethrow(e);
        }
    }

    /** @param count where the number of elements there are is written; {@code values} where up to {@code wanted} are */
    void getAttribute(long descriptor, CudnnAttribute attribute, long wanted, long count, long values) {
        try {
            int status = (int) getAttribute.invokeExact(descriptor, attribute.id(), attribute.type().id(), wanted, count, values);
            if (status != 0) throw failure(status, "cudnnBackendGetAttribute(" + attribute + ")");
        } catch (Throwable e) {
            throw rethrow(e);
        }
    }

    /** {@code cudnnBackendFinalize}: a descriptor can be read and used from now on, and no longer changed. */
    void finish(long descriptor) {
        try {
            check((int) finish.invokeExact(descriptor), "cudnnBackendFinalize");
        } catch (Throwable e) {
            throw rethrow(e);
        }
    }

    void execute(long handle, long plan, long variantPack) {
        try {
            check((int) execute.invokeExact(handle, plan, variantPack), "cudnnBackendExecute");
        } catch (Throwable e) {
            throw rethrow(e);
        }
    }

    void check(int status, String call) {
        if (status != 0) throw failure(status, call);
    }

    private CudaException failure(int status, String call) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(MESSAGE_BYTES);
            lastErrorString.invokeExact(text.address(), text.byteSize());
            var name = MemorySegment.ofAddress((long) errorString.invokeExact(status)).reinterpret(MESSAGE_BYTES);
            return new CudaException("cuDNN", call, status, name.getString(0), text.getString(0));
        } catch (Throwable e) {
            throw rethrow(e);
        }
    }

    /** A method handle throws whatever there is; of ours that is unchecked. */
    static RuntimeException rethrow(Throwable e) {
        if (e instanceof RuntimeException unchecked) return unchecked;
        if (e instanceof Error error) throw error;
        return new IllegalStateException(e);
    }
}
