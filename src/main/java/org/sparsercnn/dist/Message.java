package org.sparsercnn.dist;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What goes over a rendezvous connection: {@value #BYTES} bytes, whatever it is.
 *
 * <p>Layout, big-endian: magic, kind, rank (3 ints), a, b, c, d (4 longs), number of bytes (int), bytes, zeros.
 *
 * @param a b c d numbers of the kind
 * @param bytes of the kind, at most {@value #MAX_PAYLOAD}
 */
record Message(Kind kind, int rank, long a, long b, long c, long d, byte[] bytes) {
    static final int BYTES = 1024;
    static final int MAX_PAYLOAD = BYTES - 4 * 4 - 4 * 8;
    /** Of NCCL's id. */
    static final int ID_BYTES = 128;
    private static final int MAGIC = 0x53524331; // SRC1

    enum Kind {
        /** A process comes: rank is its first, a how many it has, b the world's size; the job's token, then its host's name. */
        HELLO,
        /** It was let in: NCCL's id, then the name of rank 0's host. */
        WELCOME,
        /** It was not: the reason. */
        REFUSED,
        /** A rank lives: a its calls, b the milliseconds it waits in the last one (-1: it does not), c those it works alone (-1 likewise), d those since it got on. */
        BEAT,
        /** The run has failed: rank, a exit code; host and reason, a line each. */
        FAILED,
        /** A process has done its part and goes. */
        BYE
    }

    static Message hello(int first, int ranks, int size, JobToken token, String host) {
        return new Message(Kind.HELLO, first, ranks, size, 0, 0, joined(token.toBytes(), host));
    }

    private static byte[] joined(byte[] head, String text) {
        byte[] tail = cut(text, MAX_PAYLOAD - head.length);
        byte[] all = Arrays.copyOf(head, head.length + tail.length);
        System.arraycopy(tail, 0, all, head.length, tail.length);
        return all;
    }

    static Message welcome(byte[] id, String host) {
        return new Message(Kind.WELCOME, 0, 0, 0, 0, 0, joined(id, host));
    }

    static Message refused(String reason) {
        return new Message(Kind.REFUSED, 0, 0, 0, 0, 0, cut(reason, MAX_PAYLOAD));
    }

    static Message beat(int rank, Pulse.State state) {
        return new Message(Kind.BEAT, rank, state.calls(), state.waitingMillis(), state.aloneMillis(), state.stillMillis(), new byte[0]);
    }

    static Message failed(Failure failure) {
        return new Message(Kind.FAILED, failure.rank(), failure.exitCode(), 0, 0, 0, cut(failure.host() + "\n" + failure.reason(), MAX_PAYLOAD));
    }

    static Message bye() {
        return new Message(Kind.BYE, 0, 0, 0, 0, 0, new byte[0]);
    }

    /** Of HELLO. */
    boolean knows(JobToken token) {
        return bytes.length >= JobToken.BYTES && token.matches(Arrays.copyOf(bytes, JobToken.BYTES));
    }

    /** Of WELCOME. */
    byte[] id() {
        return Arrays.copyOf(bytes, ID_BYTES);
    }

    /** Of HELLO and WELCOME. */
    String host() {
        int from = Math.min(bytes.length, kind == Kind.HELLO ? JobToken.BYTES : ID_BYTES);
        return new String(bytes, from, bytes.length - from, StandardCharsets.UTF_8).replaceAll("\\p{Cntrl}", "?");
    }

    /** Of FAILED. */
    Failure failure() {
        String[] lines = text().replaceAll("[\\p{Cntrl}&&[^\n]]", "?").split("\n", 2);
        return new Failure(rank, lines[0], lines.length > 1 ? lines[1] : "", a == Failure.REFUSED ? Failure.REFUSED : Failure.STOPPED);
    }

    /** Of BEAT. */
    Pulse.State state() {
        return new Pulse.State(a, b, c, d);
    }

    String text() {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** Whole characters, at most so many bytes of them. */
    private static byte[] cut(String text, int most) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length <= most) {
            return bytes;
        }
        int end = most;
        while ((bytes[end] & 0xC0) == 0x80) { // inside a character
            end--;
        }
        return Arrays.copyOf(bytes, end);
    }

    void write(OutputStream out) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(BYTES);
        buffer.putInt(MAGIC).putInt(kind.ordinal()).putInt(rank).putLong(a).putLong(b).putLong(c).putLong(d).putInt(bytes.length).put(bytes);
        out.write(buffer.array());
        out.flush();
    }

    /**
     * @throws java.io.EOFException where the connection ended
     * @throws IOException for what is no message
     */
    static Message read(DataInputStream in) throws IOException {
        byte[] whole = new byte[BYTES];
        in.readFully(whole);
        ByteBuffer buffer = ByteBuffer.wrap(whole);
        int magic = buffer.getInt();
        int kind = buffer.getInt();
        int rank = buffer.getInt();
        long a = buffer.getLong();
        long b = buffer.getLong();
        long c = buffer.getLong();
        long d = buffer.getLong();
        int length = buffer.getInt();
        if (magic != MAGIC || kind < 0 || kind >= Kind.values().length || length < 0 || length > MAX_PAYLOAD) {
            throw new IOException("not a message of this program's");
        }
        return new Message(Kind.values()[kind], rank, a, b, c, d, Arrays.copyOfRange(whole, buffer.position(), buffer.position() + length));
    }
}
