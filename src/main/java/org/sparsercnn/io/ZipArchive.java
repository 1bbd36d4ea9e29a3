package org.sparsercnn.io;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32;

/**
 * The stored entries of a ZIP file as slices of its mapping, each checked against its CRC-32 when it is read. PyTorch
 * writes every entry stored; compressed ones are refused, which also rules out archives that grow when read.
 */
final class ZipArchive {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int LOCAL = 0x04034b50;
    private static final int CENTRAL = 0x02014b50;
    private static final int END = 0x06054b50;
    private static final int END64 = 0x06064b50;
    private static final int END64_LOCATOR = 0x07064b50;
    private static final long SATURATED = 0xffff_ffffL;

    private record Entry(long localHeader, long size, long compressedSize, int method, int crc) {}

    private final MemorySegment file;
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    ZipArchive(MemorySegment file) {
        this.file = file;
        readDirectory();
    }

    Set<String> names() {
        return entries.keySet();
    }

    /** The bytes of one entry. */
    MemorySegment read(String name) {
        Entry e = entries.get(name);
        if (e == null) {
            throw new Malformed("the ZIP archive has no entry '" + name + "'");
        }
        if (e.method != 0 || e.size != e.compressedSize) {
            throw new Malformed("the ZIP entry '" + name + "' is compressed; PyTorch stores its entries: save the file"
                    + " again with torch.save, or pack it with 'zip -0'");
        }
        if (intAt(e.localHeader) != LOCAL) {
            throw new Malformed("damaged: no ZIP entry where the directory places '" + name + "'");
        }
        long start = e.localHeader + 30 + unsignedShort(e.localHeader + 26) + unsignedShort(e.localHeader + 28);
        MemorySegment data = slice(start, e.size);
        if (crc32(data) != e.crc) {
            throw new Malformed("damaged: the CRC-32 of the ZIP entry '" + name + "' does not match its bytes;"
                    + " download or copy the file again");
        }
        return data;
    }

    private void readDirectory() {
        long end = findEnd();
        long count = unsignedShort(end + 10);
        long at = unsignedInt(end + 16);
        if (count == 0xffff || at == SATURATED) {
            if (end < 20 || intAt(end - 20) != END64_LOCATOR) {
                throw new Malformed("damaged: ZIP64 end record missing");
            }
            long end64 = longAt(end - 20 + 8);
            if (intAt(end64) != END64) {
                throw new Malformed("damaged: ZIP64 end record missing");
            }
            count = longAt(end64 + 32);
            at = longAt(end64 + 48);
        }
        for (long i = 0; i < count; i++) {
            if (intAt(at) != CENTRAL) {
                throw new Malformed("damaged: ZIP directory entry " + i + " of " + count + " is missing");
            }
            int nameLength = unsignedShort(at + 28);
            int extraLength = unsignedShort(at + 30);
            String name = new String(slice(at + 46, nameLength).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
            Entry entry = zip64(at, at + 46 + nameLength, extraLength);
            if (entries.putIfAbsent(name, entry) != null) {
                throw new Malformed("damaged: two ZIP entries are called '" + name + "'");
            }
            at += 46 + nameLength + extraLength + unsignedShort(at + 32);
        }
    }

    /** The end record is the last thing in the file but for a comment of at most 65535 bytes. */
    private long findEnd() {
        for (long at = file.byteSize() - 22; at >= Math.max(0, file.byteSize() - 22 - 65535); at--) {
            if (intAt(at) == END) {
                return at;
            }
        }
        throw new Malformed("truncated: the ZIP directory at its end is missing; download or copy the file again");
    }

    /** Sizes that do not fit 32 bits stand in the extra field, in this order and only those. */
    private Entry zip64(long at, long extra, int extraLength) {
        long compressed = unsignedInt(at + 20);
        long size = unsignedInt(at + 24);
        long local = unsignedInt(at + 42);
        for (long p = extra; p + 4 <= extra + extraLength; p += 4 + unsignedShort(p + 2)) {
            if (unsignedShort(p) == 1) {
                long value = p + 4;
                if (size == SATURATED) {
                    size = longAt(value);
                    value += 8;
                }
                if (compressed == SATURATED) {
                    compressed = longAt(value);
                    value += 8;
                }
                if (local == SATURATED) {
                    local = longAt(value);
                }
                break;
            }
        }
        return new Entry(local, size, compressed, unsignedShort(at + 10), intAt(at + 16));
    }

    static int crc32(MemorySegment data) {
        CRC32 crc = new CRC32();
        for (long at = 0; at < data.byteSize(); at += 1 << 30) {
            crc.update(data.asSlice(at, Math.min(1 << 30, data.byteSize() - at)).asByteBuffer());
        }
        return (int) crc.getValue();
    }

    private MemorySegment slice(long at, long size) {
        if (at < 0 || size < 0 || at > file.byteSize() - size) {
            throw new Malformed("truncated or damaged: the ZIP directory points outside the file");
        }
        return file.asSlice(at, size);
    }

    private int unsignedShort(long at) {
        return slice(at, 2).get(SHORT, 0) & 0xffff;
    }

    private int intAt(long at) {
        return slice(at, 4).get(INT, 0);
    }

    private long unsignedInt(long at) {
        return Integer.toUnsignedLong(intAt(at));
    }

    private long longAt(long at) {
        return slice(at, 8).get(LONG, 0);
    }
}
