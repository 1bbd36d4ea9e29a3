package org.sparsercnn.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Optional;

/** The few calls to the C library that the JDK has no class for. Linux on x86-64. */
final class Libc {
    private static final Linker LINKER = Linker.nativeLinker();

    private static final int PR_SET_PDEATHSIG = 1;
    private static final int SIGKILL = 9;
    private static final int O_RDONLY = 0;
    private static final int PROT_READ_EXEC = 1 | 4;
    private static final int MAP_PRIVATE = 2;
    private static final long PAGE = 4096;

    private Libc() {}

    /** The user whose rights this process has. */
    static int effectiveUser() {
        try {
            return (int) handle("geteuid", FunctionDescriptor.of(JAVA_INT)).invokeExact();
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Asks the kernel to kill this process when the thread that started it ends.
     *
     * @return false where the kernel refused
     */
    static boolean killMeWithMyParent() {
        try {
            MethodHandle prctl = handle("prctl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG), Linker.Option.firstVariadicArg(1));
            return (int) prctl.invokeExact(PR_SET_PDEATHSIG, (long) SIGKILL) == 0;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Whether code in {@code file} may be run: not on a file system that is mounted noexec. */
    static boolean mayExecute(Path file) {
        try (Arena arena = Arena.ofConfined()) {
            MethodHandle open = handle("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT), Linker.Option.firstVariadicArg(2));
            int descriptor = (int) open.invokeExact(arena.allocateFrom(file.toString()), O_RDONLY);
            if (descriptor < 0) return false;
            MethodHandle mmap = handle("mmap",
                    FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
            var mapped = (MemorySegment) mmap.invokeExact(MemorySegment.NULL, PAGE, PROT_READ_EXEC, MAP_PRIVATE, descriptor, 0L);
            int closed = (int) handle("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT)).invokeExact(descriptor);
            if (mapped.address() == -1) return false;
            int unmapped = (int) handle("munmap", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG)).invokeExact(mapped, PAGE);
            return closed == 0 && unmapped == 0;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** The version of GLIBC, such as "2.36"; empty where the C library is another one. */
    static Optional<String> glibcVersion() {
        if (LINKER.defaultLookup().find("gnu_get_libc_version").isEmpty()) return Optional.empty();
        try {
            var version = (MemorySegment) handle("gnu_get_libc_version", FunctionDescriptor.of(ADDRESS)).invokeExact();
            return Optional.of(version.reinterpret(64).getString(0));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private static MethodHandle handle(String name, FunctionDescriptor type, Linker.Option... options) {
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), type, options);
    }
}
