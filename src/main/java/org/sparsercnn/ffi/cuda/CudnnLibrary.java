package org.sparsercnn.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.sparsercnn.util.BadInput;

/**
 * cuDNN's functions, as far as both ways to a convolution use them. Pointers and handles are longs, so that a call allocates
 * nothing on the Java heap; a call that fails throws {@link CudaException} with cuDNN's own words.
 */
final class CudnnLibrary {
    private static final int WANTED_MAJOR = 9;
    private static final int MESSAGE_BYTES = 2048;

    // One handle per signature; the function's address is an argument, so that a library is an ordinary object.
    private static final MethodHandle VERSION = signature("L");
    private static final MethodHandle ERROR_NAME = signature("LI");
    private static final MethodHandle ERROR_TEXT = signature("VLL");
    private static final MethodHandle ON_POINTER = signature("IL");
    private static final MethodHandle ON_TWO_POINTERS = signature("ILL");
    private static final MethodHandle CREATE = signature("IIL");
    private static final MethodHandle SET = signature("ILIILL");
    private static final MethodHandle GET = signature("ILIILLL");
    private static final MethodHandle EXECUTE = signature("ILLL");

    private final CudaLibraries.Found found;
    private final long version;
    private final MemorySegment setStream;
    private final MemorySegment createDescriptor;
    private final MemorySegment destroyDescriptor;
    private final MemorySegment setAttribute;
    private final MemorySegment getAttribute;
    private final MemorySegment finish;
    private final MemorySegment execute;

    /** @throws BadInput where it is not cuDNN 9 */
    CudnnLibrary(CudaLibraries.Found found) {
        this.found = found;
        try {
            version = (long) VERSION.invokeExact(function("cudnnGetVersion"));
        } catch (Throwable e) {
            throw thrown(e);
        }
        if (version / 10_000 != WANTED_MAJOR) {
            throw BadInput.of("%s says it is cuDNN %s; %d is wanted. %s", found.file(), versionText(), WANTED_MAJOR,
                    found.library().remedy());
        }
        setStream = function("cudnnSetStream");
        createDescriptor = function("cudnnBackendCreateDescriptor");
        destroyDescriptor = function("cudnnBackendDestroyDescriptor");
        setAttribute = function("cudnnBackendSetAttribute");
        getAttribute = function("cudnnBackendGetAttribute");
        finish = function("cudnnBackendFinalize");
        execute = function("cudnnBackendExecute");
    }

    /** One letter per type, the result first: I an int or enum, L a 64-bit integer or address, V nothing. */
    static MethodHandle signature(String types) {
        var arguments = new MemoryLayout[types.length() - 1];
        for (int i = 0; i < arguments.length; i++) arguments[i] = types.charAt(i + 1) == 'I' ? JAVA_INT : JAVA_LONG;
        return Linker.nativeLinker().downcallHandle(switch (types.charAt(0)) {
            case 'V' -> FunctionDescriptor.ofVoid(arguments);
            case 'I' -> FunctionDescriptor.of(JAVA_INT, arguments);
            default -> FunctionDescriptor.of(JAVA_LONG, arguments);
        });
    }

    /** The address of a function. */
    MemorySegment function(String name) {
        return found.symbols().find(name).orElseThrow(() -> BadInput.of("%s has no %s; another version of cuDNN %d is needed. %s",
                found.file(), name, WANTED_MAJOR, found.library().remedy()));
    }

    /** As {@code cudnnGetVersion}: 92400 for 9.24.0. */
    long version() {
        return version;
    }

    /** "9.24.0" */
    String versionText() {
        long unit = version < 10_000 ? 1000 : 10_000; // cuDNN 8 says 8907
        return version / unit + "." + version % unit / 100 + "." + version % 100;
    }

    /** A handle or descriptor, by the function that makes it. */
    long create(String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_LONG);
            check(name, (int) ON_POINTER.invokeExact(function(name), out.address()));
            return out.get(JAVA_LONG, 0);
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    void destroy(String name, long object) {
        try {
            check(name, (int) ON_POINTER.invokeExact(function(name), object));
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    void setStream(long handle, long stream) {
        try {
            check("cudnnSetStream", (int) ON_TWO_POINTERS.invokeExact(setStream, handle, stream));
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    /** @param out where the descriptor is written */
    void createDescriptor(int type, long out) {
        try {
            check("cudnnBackendCreateDescriptor", (int) CREATE.invokeExact(createDescriptor, type, out));
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    void destroyDescriptor(long descriptor) {
        try {
            check("cudnnBackendDestroyDescriptor", (int) ON_POINTER.invokeExact(destroyDescriptor, descriptor));
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    void setAttribute(long descriptor, CudnnAttribute attribute, long count, long values) {
        try {
            int status = (int) SET.invokeExact(setAttribute, descriptor, attribute.id(), attribute.type().id(), count, values);
            if (status != 0) throw failure("cudnnBackendSetAttribute(" + attribute + ")", status);
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    /** @param count where the number of elements there are is written; {@code values} where up to {@code wanted} are */
    void getAttribute(long descriptor, CudnnAttribute attribute, long wanted, long count, long values) {
        try {
            int status = (int) GET.invokeExact(getAttribute, descriptor, attribute.id(), attribute.type().id(), wanted, count, values);
            if (status != 0) throw failure("cudnnBackendGetAttribute(" + attribute + ")", status);
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    /** {@code cudnnBackendFinalize}: a descriptor can be read and used from now on, and no longer changed. */
    void finish(long descriptor) {
        try {
            check("cudnnBackendFinalize", (int) ON_POINTER.invokeExact(finish, descriptor));
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    void execute(long handle, long plan, long variantPack) {
        try {
            check("cudnnBackendExecute", (int) EXECUTE.invokeExact(execute, handle, plan, variantPack));
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    void check(String call, int status) {
        if (status != 0) throw failure(call, status);
    }

    private CudaException failure(String call, int status) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(MESSAGE_BYTES);
            ERROR_TEXT.invokeExact(function("cudnnGetLastErrorString"), text.address(), text.byteSize());
            long name = (long) ERROR_NAME.invokeExact(function("cudnnGetErrorString"), status);
            return new CudaException("cuDNN", call, status, MemorySegment.ofAddress(name).reinterpret(MESSAGE_BYTES).getString(0),
                    text.getString(0));
        } catch (Throwable e) {
            throw thrown(e);
        }
    }

    /** A method handle throws whatever there is; of ours that is unchecked. */
    static RuntimeException thrown(Throwable e) {
        return switch (e) {
            case RuntimeException unchecked -> unchecked;
            case Error error -> throw error;
            default -> new IllegalStateException(e);
        };
    }
}
