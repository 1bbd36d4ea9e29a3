package org.sparsercnn.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.util.BadInput;

/** Pickles made to hurt: lying lengths, forbidden opcodes, bombs, views outside their storage; and random damage. */
class PickleSafetyTest {
    @TempDir
    static Path folder;

    @BeforeAll
    static void unpack() {
        GoldenFiles.unpack(folder);
    }

    @ParameterizedTest
    @CsvSource({
        "'T \u00ff\u00ff\u00ff\u007f', truncated", // BINSTRING of 2 GB
        "'X \u00ff\u00ff\u00ff\u00ff', truncated", // BINUNICODE of 4 GB, negative as an int
        "'B \u00ff\u00ff\u00ff\u007f', truncated",
        "'\u008b \u00ff\u00ff\u00ff\u007f', truncated", // LONG4
        "'\u0096 \u0001\u0000\u0000\u0000\u00ff\u00ff\u00ff\u00ff', truncated", // BYTEARRAY8 whose length casts to 1
        "'\u008e \u0000\u0000\u0000\u0000\u0001\u0000\u0000\u0000', truncated",
        "'. ', truncated", // STOP on an empty stack
        "'} ] N s .', list or dict as a dict', key'",
        "'} } N s .', list or dict as a dict', key'",
        "'\u0082 \u0001 .', opcode 0x82", // EXT1
        "'i os\nsystem\n', opcode 0x69", // INST
        "'P 1\n', opcode 0x50", // PERSID
        "'\u0081', opcode 0x81", // NEWOBJ
        "'\u0092', opcode 0x92", // NEWOBJ_EX
        "'\u0097', opcode 0x97", // NEXT_BUFFER
        "'\u008f .', opcode 0x8f", // EMPTY_SET
        "'} ) R .', calls something that is no function",
        "'K \u0001 } b .', sets the state of something that has none",
        "'U \u0001x Q .', truncated or damaged pickle",
        "'} } ( N s .', text was expected",
        "'} ( ] N u .', list or dict as a dict', key'",
        "'K \u0001 N N s .', truncated or damaged pickle",
        "'\u008c \u0005posix \u008c \u0006system \u0093 .', refused: the pickle asks for Python's 'posix.system'",
    })
    void hostileOpcodesAreRefused(String spaced, String reason) throws IOException {
        byte[] body = spaced.replace(" ", "").getBytes(StandardCharsets.ISO_8859_1);
        refused(concat(new byte[] {(byte) 0x80, 4}, body), reason.replace("dict', key", "dict's key"));
    }

    @Test
    void sharedValuesDoNotExplodeWhenUnfolded() throws IOException {
        // {'model': {}, 'x': [[…[[], []…]…]]}: 12 levels of 8 references, 8^12 values if they were unfolded.
        ByteArrayOutputStream p = new ByteArrayOutputStream();
        p.writeBytes(latin1("\u0080\u0002}(U\u0005model}U\u0001x]q\u0000"));
        for (int level = 0; level < 12; level++) {
            String previous = "h" + (char) level;
            p.writeBytes(latin1("0](" + previous.repeat(8) + "eq" + (char) (level + 1)));
        }
        p.writeBytes(latin1("u."));
        refused(p.toByteArray(), "or more than 1000000 of them");
        List<Object> itself = new ArrayList<>();
        itself.add(itself);
        assertThatThrownBy(() -> PickleValues.plain(itself)).isInstanceOf(Malformed.class).hasMessageContaining("deep");
    }

    @Test
    void viewsStayInsideTheirStorage() {
        StridedView.check(12, 0, new long[] {3, 4}, new long[] {4, 1});
        StridedView.check(12, 11, new long[] {1}, new long[] {100});
        StridedView.check(3, 0, new long[] {1_000_000}, new long[] {0});
        StridedView.check(0, 0, new long[] {0, 5}, new long[] {5, 1});
        assertOutside(11, 0, new long[] {3, 4}, new long[] {4, 1});
        assertOutside(12, 1, new long[] {3, 4}, new long[] {4, 1});
        assertOutside(12, 0, new long[] {3, 4}, new long[] {4, -1});
        assertOutside(12, -1, new long[] {1}, new long[] {1});
        assertOutside(12, 0, new long[] {3, 4}, new long[] {4});
        assertOutside(12, 0, new long[] {2}, new long[] {Long.MAX_VALUE});
        assertOutside(12, 0, new long[] {1L << 40, 1L << 40}, new long[] {0, 0});
        assertOutside(12, 0, new long[] {-3, 4}, new long[] {4, 1});
        assertOutside(12, 13, new long[] {0}, new long[] {1});
    }

    private static void assertOutside(long available, long offset, long[] shape, long[] strides) {
        assertThatThrownBy(() -> StridedView.check(available, offset, shape, strides)).isInstanceOf(Malformed.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"odd_tensors.pth", "odd_tensors_legacy.pth", "shape_lie.pkl", "expected_odd.safetensors",
        "evil_object_array.pkl", "evil_os_system.pth"})
    void randomDamageIsReadOrRefusedButNeverADefect(String name) throws IOException {
        byte[] good = Files.readAllBytes(folder.resolve(name));
        Random random = new Random(7);
        Path file = folder.resolve("damaged-" + name);
        int refused = 0;
        for (int trial = 0; trial < 300; trial++) {
            byte[] bad = good.clone();
            for (int n = random.nextInt(4); n >= 0; n--) {
                bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
            }
            if (random.nextInt(4) == 0) {
                bad = Arrays.copyOf(bad, random.nextInt(1, bad.length));
            }
            Files.write(file, bad);
            try {
                CheckpointReader.read(file);
            } catch (BadInput e) {
                assertThat(e).hasMessageStartingWith(file.toString());
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(50);
    }

    private static byte[] latin1(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static byte[] concat(byte[] a, byte[] b) {
        byte[] out = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, out, a.length, b.length);
        return out;
    }

    private static void refused(byte[] pickle, String reason) throws IOException {
        Path file = folder.resolve("hostile.pkl");
        Files.write(file, pickle);
        assertThatThrownBy(() -> CheckpointReader.read(file)).isInstanceOf(BadInput.class)
                .hasMessageStartingWith(file.toString()).hasMessageContaining(reason);
    }
}
