package org.sparsercnn.ffi.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The system's loader, called directly. The JDK's ways leave something out: {@code SymbolLookup.libraryLookup} hides why a library
 * could not be loaded, and {@code System.load} cannot ask for a bare name on the loader's own path.
 */
final class DynamicLoader {
    private static final int RTLD_LAZY = 1;
    private static final int RTLD_DI_LINKMAP = 2;
    /** {@code struct link_map} begins with the load address and the file's name. */
    private static final MemoryLayout LINK_MAP = MemoryLayout.structLayout(ADDRESS, ADDRESS);

    private static final MethodHandle DLOPEN = handle("dlopen", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT));
    private static final MethodHandle DLERROR = handle("dlerror", FunctionDescriptor.of(ADDRESS));
    private static final MethodHandle DLSYM = handle("dlsym", FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS));
    private static final MethodHandle DLINFO = handle("dlinfo", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, ADDRESS));

    /** A library that stays loaded for the life of the process. */
    record Loaded(Path file, SymbolLookup symbols) {}

    /** The loader's words. */
    static final class Refused extends Exception {
        Refused(String words) {
            super(words);
        }
    }

    private DynamicLoader() {}

    private static MethodHandle handle(String name, FunctionDescriptor type) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), type);
    }

    /** @param name a path, or a bare name for the loader to look for: LD_LIBRARY_PATH, its cache, what is loaded already */
    static Loaded load(String name) throws Refused {
        try (Arena arena = Arena.ofConfined()) {
            var library = (MemorySegment) DLOPEN.invokeExact(arena.allocateFrom(name), RTLD_LAZY);
            if (library.equals(MemorySegment.NULL)) throw new Refused(lastError());
            MemorySegment map = arena.allocate(ADDRESS);
            if ((int) DLINFO.invokeExact(library, RTLD_DI_LINKMAP, map) != 0) throw new Refused(lastError());
            MemorySegment file = map.get(ADDRESS, 0).reinterpret(LINK_MAP.byteSize()).get(ADDRESS, ADDRESS.byteSize());
            return new Loaded(Path.of(file.reinterpret(Long.MAX_VALUE).getString(0)), symbol -> find(library, symbol));
        } catch (Refused e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private static Optional<MemorySegment> find(MemorySegment library, String symbol) {
        try (Arena arena = Arena.ofConfined()) {
            var address = (MemorySegment) DLSYM.invokeExact(library, arena.allocateFrom(symbol));
            return address.equals(MemorySegment.NULL) ? Optional.empty() : Optional.of(address);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Calls {@code size_t function(void)}. */
    static long call(MemorySegment function) {
        try {
            return (long) Linker.nativeLinker().downcallHandle(function, FunctionDescriptor.of(JAVA_LONG)).invokeExact();
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private static String lastError() throws Throwable {
        var words = (MemorySegment) DLERROR.invokeExact();
        return words.equals(MemorySegment.NULL) ? "no reason given" : words.reinterpret(Long.MAX_VALUE).getString(0);
    }
}
