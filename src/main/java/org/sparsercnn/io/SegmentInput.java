package org.sparsercnn.io;

import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** A stream over a segment that knows how much is left, so that no length in a file is believed before it is checked. */
final class SegmentInput extends InputStream {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final MemorySegment segment;
    private long position;

    SegmentInput(MemorySegment segment) {
        this.segment = segment;
    }

    long remaining() {
        return segment.byteSize() - position;
    }

    @Override
    public int read() {
        return remaining() == 0 ? -1 : segment.get(ValueLayout.JAVA_BYTE, position++) & 0xff;
    }

    @Override
    public int read(byte[] to, int offset, int length) {
        if (length == 0) {
            return 0;
        }
        int n = (int) Math.min(length, remaining());
        if (n == 0) {
            return -1;
        }
        MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, position, to, offset, n);
        position += n;
        return n;
    }

    /** The next {@code n} bytes without a copy. */
    MemorySegment take(long n) {
        require(n);
        MemorySegment taken = segment.asSlice(position, n);
        position += n;
        return taken;
    }

    long takeLong() {
        return take(8).get(LONG, 0);
    }

    /** Fails unless the 4-byte unsigned length that comes next is followed by that many bytes. */
    void requireIntPrefixed() {
        require(4);
        require(4 + Integer.toUnsignedLong(segment.get(INT, position)));
    }

    /** The same for an 8-byte length. */
    void requireLongPrefixed() {
        require(8);
        long length = segment.get(LONG, position);
        if (length < 0 || length > remaining() - 8) {
            throw new Malformed("truncated or damaged: " + Long.toUnsignedString(length) + " bytes are announced at byte "
                    + position + ", " + (remaining() - 8) + " are left");
        }
    }

    private void require(long n) {
        if (n < 0 || n > remaining()) {
            throw new Malformed("truncated or damaged: " + n + " bytes are needed at byte " + position + ", "
                    + remaining() + " are left");
        }
    }
}
