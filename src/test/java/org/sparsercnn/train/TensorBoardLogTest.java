package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Event files read back by a reader of its own: frames, a bitwise CRC-32C, and protocol buffers decoded field by field. */
class TensorBoardLogTest {
    @TempDir
    Path folder;

    /** The reflected Castagnoli polynomial, bit by bit, and TFRecord's mask as its documentation writes it. */
    private static int maskedCrc(byte[] data) {
        int crc = -1;
        for (byte b : data) {
            crc ^= b & 0xFF;
            for (int bit = 0; bit < 8; bit++) {
                crc = (crc & 1) == 0 ? crc >>> 1 : crc >>> 1 ^ 0x82F63B78;
            }
        }
        crc = ~crc;
        return ((crc >>> 15) | (crc << 17)) + 0xa282ead8;
    }

    private static byte[] take(ByteBuffer from, int length) {
        byte[] bytes = new byte[length];
        from.get(bytes);
        return bytes;
    }

    private static List<Map<Integer, Object>> events(Path file) throws IOException {
        ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        List<Map<Integer, Object>> events = new ArrayList<>();
        while (in.hasRemaining()) {
            byte[] length = take(in, 8);
            assertThat(in.getInt()).as("CRC of the length").isEqualTo(maskedCrc(length));
            byte[] data = take(in, (int) ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong());
            assertThat(in.getInt()).as("CRC of the data").isEqualTo(maskedCrc(data));
            events.add(fields(data));
        }
        return events;
    }

    /** Last value of each field; of repeated bytes a list. */
    private static Map<Integer, Object> fields(byte[] message) {
        ByteBuffer in = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
        Map<Integer, Object> fields = new LinkedHashMap<>();
        while (in.hasRemaining()) {
            long key = varint(in);
            int field = (int) (key >> 3);
            switch ((int) (key & 7)) {
                case 0 -> fields.put(field, varint(in));
                case 1 -> fields.put(field, in.getDouble());
                case 2 -> list(fields, field).add(take(in, (int) varint(in)));
                case 5 -> fields.put(field, in.getFloat());
                default -> throw new AssertionError("wire type of key " + key);
            }
        }
        return fields;
    }

    @SuppressWarnings("unchecked")
    private static List<Object> list(Map<Integer, Object> fields, int field) {
        return (List<Object>) fields.computeIfAbsent(field, _ -> new ArrayList<>());
    }

    private static long varint(ByteBuffer in) {
        long value = 0;
        for (int shift = 0;; shift += 7) {
            byte b = in.get();
            value |= (long) (b & 0x7F) << shift;
            if (b >= 0) {
                return value;
            }
        }
    }

    private static byte[] only(Map<Integer, Object> fields, int field) {
        assertThat(list(fields, field)).hasSize(1);
        return (byte[]) list(fields, field).getFirst();
    }

    private static Map<String, Float> scalars(Map<Integer, Object> event) {
        Map<String, Float> scalars = new LinkedHashMap<>();
        for (Object value : list(fields(only(event, 5)), 1)) {
            Map<Integer, Object> v = fields((byte[]) value);
            scalars.put(new String(only(v, 1), StandardCharsets.UTF_8), (Float) v.get(2));
        }
        return scalars;
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }

    @Test
    void a_file_begins_with_its_version_and_where_the_run_starts() throws IOException {
        new TensorBoardLog(folder, 40).close();
        List<Map<Integer, Object>> events = events(files().getFirst());
        assertThat(events).hasSize(2);
        assertThat(new String(only(events.get(0), 3), StandardCharsets.UTF_8)).isEqualTo("brain.Event:2");
        assertThat(events.get(1).get(2)).isEqualTo(40L);
        assertThat(fields(only(events.get(1), 7))).as("SessionLog, status START").isEqualTo(Map.of(1, 1L));
    }

    @Test
    void rows_are_in_the_file_at_once_with_step_and_time() throws IOException {
        double before = System.currentTimeMillis() * 1e-3;
        try (TensorBoardLog log = new TensorBoardLog(folder, 0)) {
            Map<String, Double> row = new LinkedHashMap<>();
            row.put("total_loss", 12.5);
            row.put("lr", 2.5e-5);
            row.put("bbox/APl", Double.NaN);
            log.write(19, row);
            log.write(269_999, Map.of("coco_2017_val/bbox/AP-été", -1.0));

            List<Map<Integer, Object>> events = events(files().getFirst());
            assertThat(events).hasSize(4);
            assertThat(events.get(2).get(2)).isEqualTo(19L);
            assertThat((Double) events.get(2).get(1)).as("seconds since 1970").isBetween(before - 1, before + 600);
            assertThat(scalars(events.get(2))).isEqualTo(Map.of("total_loss", 12.5f, "lr", 2.5e-5f));
            assertThat(events.get(3).get(2)).isEqualTo(269_999L);
            assertThat(scalars(events.get(3))).isEqualTo(Map.of("coco_2017_val/bbox/AP-été", -1f));
        }
    }

    @Test
    void each_start_has_a_file_and_later_ones_sort_behind_also_when_the_clock_was_set_back() throws IOException {
        Path ahead = Files.createFile(folder.resolve("events.out.tfevents.4000000000.elsewhere"));
        Files.createFile(folder.resolve("events.out.tfevents.notes"));
        new TensorBoardLog(folder, 0).close();
        new TensorBoardLog(folder, 10).close();
        List<String> names = files().stream().map(f -> f.getFileName().toString()).filter(n -> n.matches(".*tfevents\\.\\d+\\..*")).toList();
        assertThat(names.getFirst()).isEqualTo(ahead.getFileName().toString());
        assertThat(names.subList(1, 3)).satisfiesExactly(n -> assertThat(n).startsWith("events.out.tfevents.4000000001."),
                n -> assertThat(n).startsWith("events.out.tfevents.4000000002."));
        assertThat(names.get(1)).doesNotContainAnyWhitespaces();
    }
}
