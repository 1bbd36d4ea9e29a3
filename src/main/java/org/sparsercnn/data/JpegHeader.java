package org.sparsercnn.data;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What the markers before the first scan of a JPEG file say: size, components, orientation, and which colours the
 * components hold, decided as libjpeg decides it (jdapimin.c, default_decompress_parms). ImageIO decides differently for
 * files without JFIF or Adobe marker, therefore it is asked for raw components only.
 *
 * @param verticalChromaOnly 4:4:0: chroma has half the rows but all columns
 * @param usual a kind of file that libjpeg and every release of libjpeg-turbo decode alike: Huffman coded, sequential or
 *     progressive, grey or 4:4:4, 4:2:2, 4:2:0, 4:1:1
 */
record JpegHeader(int width, int height, Colors colors, boolean verticalChromaOnly, boolean usual, int orientation) {
    enum Colors {
        GREY, YCBCR, RGB, CMYK, YCCK
    }

    /** SOF2; SOF0 and SOF1 are sequential, the later ones lossless, hierarchical or with arithmetic coding. */
    private static final int PROGRESSIVE = 0xC2;

    private static final byte[] EXIF = "Exif\0\0".getBytes(StandardCharsets.ISO_8859_1);
    private static final byte[] XMP = "http://ns.adobe.com/xap/1.0/\0".getBytes(StandardCharsets.ISO_8859_1);
    private static final byte[] JFIF = "JFIF\0".getBytes(StandardCharsets.ISO_8859_1);
    private static final byte[] ADOBE = "Adobe".getBytes(StandardCharsets.ISO_8859_1);

    static boolean matches(byte[] file) {
        return file.length > 2 && (file[0] & 0xFF) == 0xFF && (file[1] & 0xFF) == 0xD8 && (file[2] & 0xFF) == 0xFF;
    }

    /** @throws Unsupported if there is no frame before the first scan or the file ends early */
    static JpegHeader parse(byte[] file) throws Unsupported {
        boolean jfif = false;
        int adobeTransform = -1;
        int exif = Orientation.ABSENT;
        int xmp = Orientation.ABSENT;
        int frame = -1;
        int coding = -1;
        int tables = 0;
        int at = 2;
        while (true) {
            while (at < file.length && (file[at] & 0xFF) != 0xFF) {
                at++; // garbage between segments is skipped, as libjpeg does
            }
            while (at < file.length && (file[at] & 0xFF) == 0xFF) {
                at++;
            }
            int marker = u8(file, at++);
            if (marker == 0xDA || marker == 0xD9) {
                break; // start of scan: pixels follow
            }
            if (marker == 0x00 || marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7)) {
                continue; // these carry no body
            }
            int length = u16(file, at);
            int body = at + 2;
            int bodyLength = length - 2;
            at += length;
            if (bodyLength < 0 || at > file.length) {
                throw truncated();
            }
            if (marker == 0xE0 && startsWith(file, body, bodyLength, JFIF)) {
                jfif = true;
            } else if (marker == 0xEE && bodyLength >= 12 && startsWith(file, body, bodyLength, ADOBE)) {
                adobeTransform = u8(file, body + 11);
            } else if (marker == 0xE1 && exif == Orientation.ABSENT && startsWith(file, body, bodyLength, EXIF)) {
                exif = Orientation.ofTiff(file, body + EXIF.length, bodyLength - EXIF.length);
            } else if (marker == 0xE1 && xmp == Orientation.ABSENT && startsWith(file, body, bodyLength, XMP)) {
                xmp = Orientation.ofXmp(file, body, bodyLength);
            } else if (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC) {
                frame = body;
                coding = marker;
            } else if (marker == 0xC4) {
                tables |= huffmanTables(file, body, body + bodyLength);
            }
        }
        if (frame < 0) {
            throw new Unsupported("the JPEG file has no picture before its first scan");
        }
        if (u8(file, frame) != 8) {
            throw new Unsupported("a JPEG of " + u8(file, frame) + " bits a sample, only 8 can be read");
        }
        int components = u8(file, frame + 5);
        boolean complete = coding == PROGRESSIVE || definesTablesOfScan(file, at, tables);
        boolean usual = coding <= PROGRESSIVE && complete && (components == 1 || components == 3 && (chroma(file, frame, 1, 1)
                || chroma(file, frame, 2, 1) || chroma(file, frame, 2, 2) || chroma(file, frame, 4, 1)));
        return new JpegHeader(u16(file, frame + 3), u16(file, frame + 1), colors(file, frame, components, jfif, adobeTransform),
                components == 3 && chroma(file, frame, 1, 2), usual, exif != Orientation.ABSENT ? exif : xmp);
    }

    /** Bit i: direct-current table i; bit 16 + i: alternating-current table i. */
    private static int huffmanTables(byte[] file, int begin, int end) throws Unsupported {
        int found = 0;
        for (int at = begin; at + 17 <= end; at += 17) {
            found |= 1 << (u8(file, at) & 0x1F);
            int symbols = 0;
            for (int length = 1; length <= 16; length++) {
                symbols += u8(file, at + length);
            }
            at += symbols;
        }
        return found;
    }

    /** Without its tables libjpeg refuses a scan that libjpeg-turbo reads with usual ones. */
    private static boolean definesTablesOfScan(byte[] file, int scan, int tables) throws Unsupported {
        int needed = 0;
        for (int component = 0; component < u8(file, scan + 2); component++) {
            int both = u8(file, scan + 4 + 2 * component);
            needed |= 1 << (both >> 4) | 1 << 16 + (both & 0xF);
        }
        return (needed & ~tables) == 0;
    }

    /** Whether the second and third component have this fraction of the first one's columns and rows. */
    private static boolean chroma(byte[] file, int frame, int columns, int rows) throws Unsupported {
        int luma = sampling(file, frame, 0);
        int cb = sampling(file, frame, 1);
        int cr = sampling(file, frame, 2);
        return cb == cr && (cb >> 4) * columns == luma >> 4 && (cb & 0xF) * rows == (luma & 0xF);
    }

    private static Colors colors(byte[] file, int frame, int components, boolean jfif, int adobeTransform)
            throws Unsupported {
        return switch (components) {
            case 1 -> Colors.GREY;
            case 3 -> {
                boolean saysRgb = u8(file, frame + 6) == 'R' && u8(file, frame + 9) == 'G' && u8(file, frame + 12) == 'B';
                if (jfif) {
                    yield Colors.YCBCR;
                }
                yield adobeTransform == 0 || (adobeTransform < 0 && saysRgb) ? Colors.RGB : Colors.YCBCR;
            }
            case 4 -> adobeTransform > 0 ? Colors.YCCK : Colors.CMYK;
            default -> throw new Unsupported("a JPEG of " + components + " components, only 1, 3 and 4 can be read");
        };
    }

    /** Horizontal and vertical sampling factors in the high and low four bits. */
    private static int sampling(byte[] file, int frame, int component) throws Unsupported {
        return u8(file, frame + 7 + 3 * component);
    }

    private static boolean startsWith(byte[] file, int at, int length, byte[] prefix) {
        return length >= prefix.length && Arrays.equals(file, at, at + prefix.length, prefix, 0, prefix.length);
    }

    private static int u8(byte[] file, int at) throws Unsupported {
        if (at >= file.length) {
            throw truncated();
        }
        return file[at] & 0xFF;
    }

    private static int u16(byte[] file, int at) throws Unsupported {
        return u8(file, at) << 8 | u8(file, at + 1);
    }

    private static Unsupported truncated() {
        return new Unsupported("the file ends within its header; copy or download it again");
    }

    /** Why this file cannot be decoded; {@link ImageDecoder} adds its name. */
    static final class Unsupported extends Exception {
        Unsupported(String reason) {
            super(reason);
        }
    }
}
