package org.sparsercnn.data;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How a camera says the picture must be turned to stand upright: EXIF tag 0x0112, 1 to 8. As in detectron2 it is always
 * applied, and like there anything unreadable means upright.
 */
final class Orientation {
    static final int UPRIGHT = 1;
    /** Nothing is said. */
    static final int ABSENT = 0;

    private static final int TAG = 0x0112;
    private static final Pattern XMP = Pattern.compile("tiff:Orientation(?:=\"|>)([0-9])");

    private Orientation() {}

    /** The tag's value in a TIFF structure (the body of an EXIF block, or a TIFF file), or {@link #ABSENT}. */
    static int ofTiff(byte[] bytes, int offset, int length) {
        try {
            ByteBuffer tiff = ByteBuffer.wrap(bytes, offset, length).slice();
            switch (tiff.getShort(0)) {
                case 0x4949 -> tiff.order(ByteOrder.LITTLE_ENDIAN); // "II"
                case 0x4D4D -> tiff.order(ByteOrder.BIG_ENDIAN); // "MM"
                default -> {
                    return ABSENT;
                }
            }
            tiff.position(tiff.getInt(4));
            for (int entries = tiff.getShort() & 0xFFFF; entries > 0; entries--) {
                int entry = tiff.position();
                if ((tiff.getShort(entry) & 0xFFFF) == TAG) {
                    return known(switch (tiff.getShort(entry + 2)) {
                        case 1 -> tiff.get(entry + 8);
                        case 3 -> tiff.getShort(entry + 8);
                        case 4 -> tiff.getInt(entry + 8);
                        default -> UPRIGHT;
                    });
                }
                tiff.position(entry + 12);
            }
        } catch (BufferUnderflowException | IndexOutOfBoundsException | IllegalArgumentException e) {
            // a damaged block is no reason to lose the picture
        }
        return ABSENT;
    }

    /** The value in an XMP packet, which Pillow consults when EXIF names none. */
    static int ofXmp(byte[] bytes, int offset, int length) {
        Matcher match = XMP.matcher(new String(bytes, offset, length, StandardCharsets.ISO_8859_1));
        return match.find() ? known(match.group(1).charAt(0) - '0') : ABSENT;
    }

    /** The value in a PNG file: its {@code eXIf} chunk, else its XMP text. */
    static int ofPng(byte[] bytes) {
        ByteBuffer png = ByteBuffer.wrap(bytes);
        int xmp = ABSENT;
        int at = 8; // behind the signature; a chunk is length, type, body, checksum
        while (at + 12 <= bytes.length) {
            int length = png.getInt(at);
            int body = at + 8;
            if (length < 0 || length > bytes.length - body - 4) {
                break;
            }
            int type = png.getInt(at + 4);
            if (type == 0x65584966) { // eXIf
                int exif = ofTiff(bytes, body, length);
                if (exif != ABSENT) {
                    return exif;
                }
            } else if (type == 0x69545874 && xmp == ABSENT) { // iTXt
                xmp = ofXmp(bytes, body, length);
            }
            at = body + length + 4;
        }
        return xmp;
    }

    private static int known(int value) {
        return value >= 1 && value <= 8 ? value : UPRIGHT;
    }

    /** {@code image} turned upright. */
    static Image upright(Image image, int orientation) {
        return switch (orientation) {
            case 2 -> image.flipHorizontal();
            case 3 -> image.flipHorizontal().flipVertical();
            case 4 -> image.flipVertical();
            case 5 -> image.transpose();
            case 6 -> image.transpose().flipHorizontal(); // a quarter turn clockwise
            case 7 -> image.transpose().flipHorizontal().flipVertical();
            case 8 -> image.transpose().flipVertical(); // a quarter turn counter-clockwise
            default -> image;
        };
    }
}
