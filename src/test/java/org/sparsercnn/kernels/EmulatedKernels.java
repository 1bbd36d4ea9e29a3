package org.sparsercnn.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.sparsercnn.ffi.NativeLibraries;

/** The kernels with real blocks, on fibers ({@code native/emulator}). */
public final class EmulatedKernels {
    private static final String LIBRARY_NAME = "sparsercnn-emulated";
    private static final SymbolLookup LIBRARY = NativeLibraries.open(LIBRARY_NAME);
    private static final MethodHandle EMULATE = Linker.nativeLinker().downcallHandle(LIBRARY.findOrThrow("emulate"),
            FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));

    private static final Map<String, List<KernelField>> FIELDS = new ConcurrentHashMap<>();

    private EmulatedKernels() {}

    public static boolean areBuilt() {
        return NativeLibraries.find(LIBRARY_NAME).isPresent();
    }

    public static boolean has(String kernel) {
        return LIBRARY.find(kernel).isPresent();
    }

    /** The fields of a kernel's struct. */
    public static List<KernelField> fields(String kernel) {
        return FIELDS.computeIfAbsent(kernel, name -> {
            try {
                MethodHandle text = Linker.nativeLinker()
                        .downcallHandle(LIBRARY.findOrThrow(name + "_fields"), FunctionDescriptor.of(ValueLayout.ADDRESS));
                return KernelField.parse(((MemorySegment) text.invokeExact()).reinterpret(Long.MAX_VALUE).getString(0));
            } catch (Throwable e) {
                throw new AssertionError(name, e);
            }
        });
    }

    /** Runs a kernel and returns what went wrong, if anything did. */
    public static Optional<String> run(String kernel, MemorySegment args, long blocks, Schedule schedule) {
        return run(kernel, args, blocks, 0, schedule);
    }

    /** @param sharedBytes dynamic shared memory of a block */
    public static Optional<String> run(String kernel, MemorySegment args, long blocks, int sharedBytes, Schedule schedule) {
        try (Arena arena = Arena.ofConfined()) {
            var message = (MemorySegment) EMULATE.invokeExact(LIBRARY.findOrThrow(kernel), arena.allocateFrom(kernel), args, blocks,
                    (long) schedule.threads(), (long) sharedBytes, (long) schedule.order().ordinal(), schedule.seed());
            return message.address() == 0 ? Optional.empty() : Optional.of(message.reinterpret(Long.MAX_VALUE).getString(0));
        } catch (Throwable e) {
            throw new AssertionError(kernel, e);
        }
    }
}
