package org.sparsercnn.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import java.util.OptionalInt;

/** The few calls to the C library that the JDK has no class for. Linux on x86-64. */
public final class Libc {
    private static final Linker LINKER = Linker.nativeLinker();

    private static final int PR_SET_PDEATHSIG = 1;
    private static final int SIGKILL = 9;
    private static final long TIOCGWINSZ = 0x5413;

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
    public static Optional<String> glibcVersion() {
        if (LINKER.defaultLookup().find("gnu_get_libc_version").isEmpty()) return Optional.empty();
        try {
            var version = (MemorySegment) handle("gnu_get_libc_version", FunctionDescriptor.of(ADDRESS)).invokeExact();
            return Optional.of(version.reinterpret(64).getString(0));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Whether a terminal is behind a file descriptor: 0 standard input, 1 output, 2 error. */
    public static boolean isTerminal(int descriptor) {
        try {
            return (int) handle("isatty", FunctionDescriptor.of(JAVA_INT, JAVA_INT)).invokeExact(descriptor) == 1;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** How many columns the terminal behind a file descriptor has now; empty where there is none or it does not say. */
    public static OptionalInt columns(int descriptor) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment winsize = arena.allocate(JAVA_SHORT, 4); // rows, columns, and both in pixels
            MethodHandle ioctl = handle("ioctl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS), Linker.Option.firstVariadicArg(2));
            int columns = (int) ioctl.invokeExact(descriptor, TIOCGWINSZ, winsize) == 0 ? Short.toUnsignedInt(winsize.getAtIndex(JAVA_SHORT, 1)) : 0;
            return columns == 0 ? OptionalInt.empty() : OptionalInt.of(columns);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private static MethodHandle handle(String name, FunctionDescriptor type, Linker.Option... options) {
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), type, options);
    }
}
