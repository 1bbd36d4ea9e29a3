package org.sparsercnn.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/** Makes JPEG files with the system's libturbojpeg. */
public final class TurboJpegWriter {
    /** In the library's numbering. */
    public enum Sampling {
        S444, S422, S420, GREY, S440, S411
    }

    private static final int TJPF_RGB = 0;
    private static final int TJFLAG_PROGRESSIVE = 16384;

    private static final SymbolLookup LIBRARY = SymbolLookup.libraryLookup(TurboJpeg.LIBRARY, Arena.global());
    private static final MethodHandle INIT = handle("tjInitCompress", FunctionDescriptor.of(ADDRESS));
    private static final MethodHandle COMPRESS = handle("tjCompress2", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_INT, JAVA_INT,
            JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle FREE = handle("tjFree", FunctionDescriptor.ofVoid(ADDRESS));
    private static final MethodHandle DESTROY = handle("tjDestroy", FunctionDescriptor.of(JAVA_INT, ADDRESS));

    private TurboJpegWriter() {}

    private static MethodHandle handle(String name, FunctionDescriptor type) {
        return Linker.nativeLinker().downcallHandle(LIBRARY.findOrThrow(name), type);
    }

    /** @param rgb (height, width, 3) */
    public static byte[] write(byte[] rgb, int width, int height, Sampling sampling, int quality, boolean progressive) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment to = arena.allocate(ADDRESS); // null: the library allocates
            MemorySegment size = arena.allocate(JAVA_LONG);
            var encoder = (MemorySegment) INIT.invokeExact();
            if ((int) COMPRESS.invokeExact(encoder, arena.allocateFrom(JAVA_BYTE, rgb), width, 0, height, TJPF_RGB, to, size,
                    sampling.ordinal(), quality, progressive ? TJFLAG_PROGRESSIVE : 0) != 0) {
                throw new AssertionError("tjCompress2");
            }
            MemorySegment jpeg = to.get(ADDRESS, 0);
            byte[] bytes = jpeg.reinterpret(size.get(JAVA_LONG, 0)).toArray(JAVA_BYTE);
            FREE.invokeExact(jpeg);
            int _ = (int) DESTROY.invokeExact(encoder);
            return bytes;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
