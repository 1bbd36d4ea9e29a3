package org.sparsercnn.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.util.BadInput;

/** Pickles written by hand, as Python 2 would, for what the golden files do not hold. */
class PickleContentsTest {
    @TempDir
    Path folder;

    /** A float32 array; {@code values} in the order in which they are stored. */
    private static String array(String shape, char byteOrder, boolean fortran, float... values) {
        ByteBuffer data = ByteBuffer.allocate(4 * values.length)
                .order(byteOrder == '>' ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            data.putFloat(value);
        }
        return "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\u0000\u0085U\u0001b\u0087R(K\u0001(" + shape + "t"
                + "cnumpy\ndtype\nU\u0002f4K\u0000K\u0001\u0087R(K\u0003U\u0001" + byteOrder
                + "NNNJ\u00ff\u00ff\u00ff\u00ffJ\u00ff\u00ff\u00ff\u00ffK\u0000tb" + (fortran ? "\u0088" : "\u0089")
                + "U" + (char) data.capacity() + new String(data.array(), StandardCharsets.ISO_8859_1) + "tb";
    }

    private static String text(String value) {
        return "U" + (char) value.length() + value;
    }

    private LoadedCheckpoint read(String pickle) throws IOException {
        Path file = folder.resolve("by-hand.pkl");
        Files.write(file, ("\u0080\u0002" + pickle + ".").getBytes(StandardCharsets.ISO_8859_1));
        return CheckpointReader.read(file);
    }

    @Test
    void fortranOrderBigEndianAndTextIntegers() throws IOException {
        String array = array("I2\nK\u0003", '>', true, 1, 4, 2, 5, 3, 6);
        HostTensor read = read("}" + text("model") + "}" + text("a.w") + array + "ss").model().get("a.w");
        assertThat(read.shape()).containsExactly(2, 3);
        assertThat(read.toFloats()).containsExactly(1, 2, 3, 4, 5, 6);
    }

    @Test
    void frozenBatchNormBeforeVersion3GivesUpItsEpsilon() throws IOException {
        String metadata = "}" + text("_metadata") + "}(" + text("old") + "}" + text("version") + "K\u0002s"
                + text("new") + "}" + text("version") + "K\u0003s" + text("torch") + "}" + text("version") + "K\u0002susb";
        String one = array("K\u0001", '<', false, 1);
        StateDict read = read("}" + text("model") + "ccollections\nOrderedDict\n)R(" + text("old.running_var") + one
                + text("new.running_var") + one + text("torch.running_var") + one
                + text("torch.num_batches_tracked") + one + "u" + metadata + "s").model();
        assertThat(read.get("old.running_var").toFloats()).containsExactly(1 - 1e-5f);
        assertThat(read.get("new.running_var").toFloats()).containsExactly(1);
        assertThat(read.get("torch.running_var").toFloats()).containsExactly(1);
    }

    @Test
    void momentumOfCaffe2IsLeftOut() throws IOException {
        String one = array("K\u0001", '<', false, 1);
        StateDict read = read("}" + text("blobs") + "}(" + text("conv1_w") + one + text("conv1_w_momentum") + one + "us").model();
        assertThat(read.tensors()).containsOnlyKeys("stem.conv1.weight");
    }

    @Test
    void whatIsNoTensorIsNamed() {
        assertThatThrownBy(() -> read("}" + text("model") + "}" + text("a.w") + "K\u0001ss")).isInstanceOf(BadInput.class)
                .hasMessageContaining("its entry 'a.w' is a number, not a tensor");
        assertThatThrownBy(() -> read("K\u0001")).isInstanceOf(BadInput.class).hasMessageContaining("it holds a number");
        assertThatThrownBy(() -> read("}")).isInstanceOf(BadInput.class).hasMessageContaining("it holds no weights");
        assertThatThrownBy(() -> read("}" + text("a.w") + array("K\u0005", '<', false, 1) + "s")).isInstanceOf(BadInput.class)
                .hasMessageContaining("F32[5] needs 20 bytes, but 4 are there");
    }
}
