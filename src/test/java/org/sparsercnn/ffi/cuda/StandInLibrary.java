package org.sparsercnn.ffi.cuda;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Arrays;
import org.sparsercnn.ffi.NativeLibraries;
import org.sparsercnn.ffi.cuda.CudaLibraries.Library;

/** A library of {@code native/standin} in place of NVIDIA's, and the functions that steer it. */
final class StandInLibrary implements AutoCloseable {
    private final SymbolLookup symbols;

    private StandInLibrary(SymbolLookup symbols) {
        this.symbols = symbols;
    }

    /** Lets {@link CudaLibraries} find the stand-in, until {@link #close}; skips the test where it was not built. */
    static StandInLibrary of(String file, Library library) {
        Path standIn = NativeLibraries.find(file).orElse(null);
        assumeTrue(standIn != null, file + " was not built (native/build.sh makes it)");
        System.setProperty(CudaLibraries.PATH_PROPERTY, standIn.getParent().toString());
        return new StandInLibrary(CudaLibraries.ofThisMachine().require(library).symbols());
    }

    /** Calls {@code void function(...)} with strings and numbers, which must be Longs. */
    void call(String function, Object... arguments) {
        try (Arena arena = Arena.ofConfined()) {
            Object[] values = Arrays.stream(arguments)
                    .map(value -> value instanceof String text ? arena.allocateFrom(text).address() : value).toArray();
            handle(function, null, values.length).invokeWithArguments(values);
        } catch (Throwable e) {
            throw new AssertionError(function, e);
        }
    }

    /** Calls {@code const char* function()}. */
    String text(String function) {
        try {
            return ((MemorySegment) handle(function, ValueLayout.ADDRESS, 0).invoke()).reinterpret(Long.MAX_VALUE).getString(0);
        } catch (Throwable e) {
            throw new AssertionError(function, e);
        }
    }

    private MethodHandle handle(String function, MemoryLayout result, int arguments) {
        var types = new MemoryLayout[arguments];
        Arrays.fill(types, ValueLayout.JAVA_LONG);
        return Linker.nativeLinker().downcallHandle(symbols.findOrThrow(function),
                result == null ? FunctionDescriptor.ofVoid(types) : FunctionDescriptor.of(result, types));
    }

    @Override
    public void close() {
        System.clearProperty(CudaLibraries.PATH_PROPERTY);
    }
}
