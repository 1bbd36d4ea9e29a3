package org.sparsercnn.ffi.cuda;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Which GPUs a file of kernels is for, from its headers as nvcc writes them. */
public final class Fatbin {
    private static final int MAGIC = 0xBA55ED50;
    private static final int PTX = 1;
    private static final int ARCHITECTURE = 28; // offsets in an entry's header
    private static final int FLAGS = 40;
    /** Code that uses what only one generation has, such as sm_90a's. */
    private static final long ARCHITECTURE_SPECIFIC = 0x100000;

    private Fatbin() {}

    /** "sm_80", "sm_90a", "compute_80" (PTX, which a driver compiles for newer GPUs); empty where the file is none. */
    public static List<String> architectures(Path file) {
        try {
            return architectures(ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN));
        } catch (IOException e) {
            throw new UncheckedIOException(file.toString(), e);
        }
    }

    /** A container: magic, version, size of this header, size of the entries; each entry: kind, version, size of its header, size. */
    private static List<String> architectures(ByteBuffer file) {
        List<String> found = new ArrayList<>();
        if (file.capacity() < 16 || file.getInt(0) != MAGIC) return found;
        long at = file.getShort(6);
        long end = Math.min(file.capacity(), at + file.getLong(8));
        while (at + FLAGS + 8 <= end) {
            int entry = (int) at;
            String name = (file.getShort(entry) == PTX ? "compute_" : "sm_") + file.getInt(entry + ARCHITECTURE);
            found.add(name + ((file.getLong(entry + FLAGS) & ARCHITECTURE_SPECIFIC) != 0 ? "a" : ""));
            long size = file.getInt(entry + 4) + file.getLong(entry + 8);
            if (size <= 0) return found;
            at += size;
        }
        return found;
    }
}
