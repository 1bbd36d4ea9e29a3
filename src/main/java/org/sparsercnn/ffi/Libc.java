package org.sparsercnn.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/** The few calls to the C library that the JDK has no class for. Linux on x86-64. */
final class Libc {
    private static final Linker LINKER = Linker.nativeLinker();

    private static final int PR_SET_PDEATHSIG = 1;
    private static final int SIGKILL = 9;

    private Libc() {}

    /** Asks the kernel to kill this process when the thread that started it ends; kernels that cannot leave it at that. */
    static void killMeWithMyParent() {
        try {
            MethodHandle prctl = handle("prctl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG), Linker.Option.firstVariadicArg(1));
            int _ = (int) prctl.invokeExact(PR_SET_PDEATHSIG, (long) SIGKILL);
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
