package org.sparsercnn.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * JPEG to RGB by the system's libjpeg-turbo (the TurboJPEG API of its releases 2 and 3): slow integer DCT, fancy upsampling, as
 * Pillow decodes. {@code -Dsparsercnn.turbojpeg=off} does without it.
 *
 * <p>A handle lives for one picture: making it takes a quarter of a microsecond, and nothing can leak. For any number of threads.
 */
public final class TurboJpeg {
    /** {@code off}, or the library's file instead of what the system's loader finds. */
    public static final String PROPERTY = "sparsercnn.turbojpeg";

    public static final String LIBRARY = "libturbojpeg.so.0";
    private static final Linker LINKER = Linker.nativeLinker();
    private static final int TJPF_RGB = 0;
    private static final int TJFLAG_STOPONWARNING = 8192;
    private static final int CHANNELS = 3;

    private static final class Found {
        private static final Optional<TurboJpeg> HERE = find(System.getProperty(PROPERTY, LIBRARY));
    }

    private final MethodHandle init;
    private final MethodHandle header;
    private final MethodHandle decompress;
    private final MethodHandle destroy;

    TurboJpeg(SymbolLookup library) {
        library.findOrThrow("tjGetErrorCode"); // not called: before release 2.0, which brought it, warnings cannot stop a decompression
        init = handle(library, "tjInitDecompress", FunctionDescriptor.of(ADDRESS));
        header = handle(library, "tjDecompressHeader3",
                FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, ADDRESS));
        decompress = handle(library, "tjDecompress2",
                FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
        destroy = handle(library, "tjDestroy", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    }

    private static MethodHandle handle(SymbolLookup library, String name, FunctionDescriptor type) {
        return LINKER.downcallHandle(library.findOrThrow(name), type);
    }

    /** Empty where the system has none, or one older than 2.0. */
    public static Optional<TurboJpeg> ofThisMachine() {
        return Found.HERE;
    }

    static Optional<TurboJpeg> find(String name) {
        if (name.equals("off")) return Optional.empty();
        try {
            return Optional.of(new TurboJpeg(SymbolLookup.libraryLookup(name, Arena.global())));
        } catch (IllegalArgumentException | NoSuchElementException e) {
            return Optional.empty();
        }
    }

    /**
     * Decompresses a file of one component or of three that are not CMYK's.
     *
     * @param width as its header says: sizes the result
     * @return (height, width, 3) bytes; empty if the library objects to anything, be it a mere warning
     */
    public Optional<byte[]> rgb(byte[] file, int width, int height) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment jpeg = arena.allocateFrom(JAVA_BYTE, file);
            MemorySegment pixels = arena.allocate((long) width * height * CHANNELS);
            var decoder = (MemorySegment) init.invokeExact();
            if (decoder.equals(MemorySegment.NULL)) return Optional.empty();
            try {
                if (!sizeIs(arena, decoder, jpeg, width, height) || (int) decompress.invokeExact(decoder, jpeg, jpeg.byteSize(), pixels,
                        width, 0, height, TJPF_RGB, TJFLAG_STOPONWARNING) != 0) {
                    return Optional.empty();
                }
            } finally {
                int _ = (int) destroy.invokeExact(decoder);
            }
            return Optional.of(pixels.toArray(JAVA_BYTE));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Otherwise the library would scale to the size it is told, or leave part of it unwritten. */
    private boolean sizeIs(Arena arena, MemorySegment decoder, MemorySegment jpeg, int width, int height) throws Throwable {
        MemorySegment found = arena.allocate(JAVA_INT, 4); // width, height, subsampling, colour space
        return (int) header.invokeExact(decoder, jpeg, jpeg.byteSize(), at(found, 0), at(found, 1), at(found, 2), at(found, 3)) == 0
                && found.getAtIndex(JAVA_INT, 0) == width && found.getAtIndex(JAVA_INT, 1) == height;
    }

    private static MemorySegment at(MemorySegment numbers, int index) {
        return numbers.asSlice(index * JAVA_INT.byteSize());
    }

    /** The library's file, for people. */
    public static Path file() {
        Path maps = Path.of("/proc/self/maps");
        try (Stream<String> lines = Files.lines(maps)) {
            return lines.filter(line -> line.contains("libturbojpeg")).map(line -> Path.of(line.substring(line.indexOf('/')))).findFirst()
                    .orElse(Path.of(LIBRARY));
        } catch (IOException e) {
            return Path.of(LIBRARY);
        }
    }
}
