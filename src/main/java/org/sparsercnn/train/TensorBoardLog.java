package org.sparsercnn.train;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/**
 * Scalars in an event file that TensorBoard reads: records framed as in a TFRecord file (length, masked CRC-32C of the length,
 * data, masked CRC-32C of the data), each of them an {@code Event} message of TensorFlow's event.proto.
 *
 * <p>Each start of a run writes a file of its own, which begins with "started at step s": TensorBoard then forgets what older
 * files in the folder have from that step on.
 */
final class TensorBoardLog implements AutoCloseable {
    private static final String PREFIX = "events.out.tfevents.";

    private final RecordFile records;
    private final double openedSeconds = System.currentTimeMillis() * 1e-3;
    private final long openedNanos = System.nanoTime();

    /** @param start first iteration that is still to be done */
    TensorBoardLog(Path folder, long start) {
        records = new RecordFile(newFile(folder));
        event(start, e -> e.text(Field.EVENT_FILE_VERSION, "brain.Event:2"));
        event(start, e -> e.message(Field.EVENT_SESSION_LOG, session -> session.number(Field.SESSION_STATUS, Field.SESSION_START)));
    }

    /** TensorBoard reads the files in the order of their names, so the new one's time is later than any other's, whatever the clock says. */
    private static Path newFile(Path folder) {
        long seconds = System.currentTimeMillis() / 1000;
        try {
            Files.createDirectories(folder);
            try (Stream<Path> files = Files.list(folder)) {
                seconds = Math.max(seconds, 1 + files.mapToLong(f -> secondsIn(f.getFileName().toString())).max().orElse(0));
            }
        } catch (IOException e) {
            throw new BadInput(folder + ": cannot be written: " + AtomicFiles.reason(e) + "; choose another OUTPUT_DIR", e);
        }
        return folder.resolve(PREFIX + seconds + "." + host());
    }

    /** Of an event file's name; 0 of any other. */
    private static long secondsIn(String name) {
        String number = name.startsWith(PREFIX) ? name.substring(PREFIX.length()).replaceFirst("\\..*", "") : "";
        return number.matches("\\d{1,12}") ? Long.parseLong(number) : 0;
    }

    private static String host() {
        try {
            return InetAddress.getLocalHost().getHostName().replaceAll("[^\\w.-]", "_");
        } catch (UnknownHostException e) { // a container may not know its own name
            return "localhost";
        }
    }

    /** Numbers that are not finite are left out. */
    void write(long iteration, Map<String, Double> scalars) {
        event(iteration, event -> event.message(Field.EVENT_SUMMARY, summary -> scalars.forEach((tag, value) -> {
            if (Double.isFinite(value)) {
                summary.message(Field.SUMMARY_VALUE, v -> v.text(Field.VALUE_TAG, tag).real(Field.VALUE_SIMPLE_VALUE, value.floatValue()));
            }
        })));
    }

    private void event(long step, Consumer<Message> content) {
        Message event = new Message();
        event.real(Field.EVENT_WALL_TIME, openedSeconds + (System.nanoTime() - openedNanos) * 1e-9); // a clock set back does not show
        event.number(Field.EVENT_STEP, step);
        content.accept(event);
        records.append(framed(event.bytes()));
    }

    private static byte[] framed(byte[] data) {
        ByteBuffer record = ByteBuffer.allocate(8 + 4 + data.length + 4).order(ByteOrder.LITTLE_ENDIAN);
        record.putLong(data.length);
        record.putInt(maskedCrc(record.array(), 8));
        record.put(data);
        record.putInt(maskedCrc(data, data.length));
        return record.array();
    }

    /** The mask keeps a CRC of data that hold CRCs themselves from being weak. */
    private static int maskedCrc(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return Integer.rotateRight((int) crc.getValue(), 15) + 0xA282EAD8;
    }

    @Override
    public void close() {
        records.close();
    }

    /** Numbers of fields in event.proto and summary.proto. */
    private static final class Field {
        static final int EVENT_WALL_TIME = 1;
        static final int EVENT_STEP = 2;
        static final int EVENT_FILE_VERSION = 3;
        static final int EVENT_SUMMARY = 5;
        static final int EVENT_SESSION_LOG = 7;
        static final int SUMMARY_VALUE = 1;
        static final int VALUE_TAG = 1;
        static final int VALUE_SIMPLE_VALUE = 2;
        static final int SESSION_STATUS = 1;
        static final int SESSION_START = 1;
    }

    /** A protocol buffer: fields one after the other, each with a key that holds its number and the kind of its bytes. */
    private static final class Message {
        private static final int VARINT = 0;
        private static final int EIGHT_BYTES = 1;
        private static final int LENGTH_FIRST = 2;
        private static final int FOUR_BYTES = 5;

        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        byte[] bytes() {
            return out.toByteArray();
        }

        Message number(int field, long value) {
            return key(field, VARINT).varint(value);
        }

        Message real(int field, double value) {
            key(field, EIGHT_BYTES).out.writeBytes(little(8).putDouble(value).array());
            return this;
        }

        Message real(int field, float value) {
            key(field, FOUR_BYTES).out.writeBytes(little(4).putFloat(value).array());
            return this;
        }

        Message text(int field, String value) {
            return bytes(field, value.getBytes(StandardCharsets.UTF_8));
        }

        Message message(int field, Consumer<Message> content) {
            Message inner = new Message();
            content.accept(inner);
            return bytes(field, inner.bytes());
        }

        private Message bytes(int field, byte[] value) {
            key(field, LENGTH_FIRST).varint(value.length).out.writeBytes(value);
            return this;
        }

        private Message key(int field, int kind) {
            return varint((long) field << 3 | kind);
        }

        private Message varint(long value) {
            for (; (value & ~0x7FL) != 0; value >>>= 7) {
                out.write((int) (value & 0x7F | 0x80));
            }
            out.write((int) value);
            return this;
        }

        private static ByteBuffer little(int bytes) {
            return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        }
    }
}
