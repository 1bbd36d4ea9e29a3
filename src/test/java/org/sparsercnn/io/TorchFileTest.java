package org.sparsercnn.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.util.BadInput;

/** The .pth writer through our reader and through the JDK's ZIP reader, and ZIP files that PyTorch would not write. */
class TorchFileTest {
    @TempDir
    static Path folder;

    @BeforeAll
    static void unpack() {
        GoldenFiles.unpack(folder);
    }

    @Test
    void everyTypeSurvivesWritingAsPth() {
        StateDict odd = Safetensors.read(folder.resolve("expected_odd.safetensors"));
        Path file = folder.resolve("written.pth");
        TorchWriter.write(file, odd);
        LoadedCheckpoint read = CheckpointReader.read(file);
        assertThat(read.format()).isEqualTo("PyTorch zip");
        assertThat(read.model().tensors().keySet()).containsExactlyElementsOf(odd.tensors().keySet());
        odd.tensors().forEach((name, tensor) -> {
            HostTensor back = read.model().get(name);
            assertThat(back).as(name).hasToString(tensor.toString());
            assertThat(back.data().mismatch(tensor.data())).as(name).isEqualTo(-1);
        });
    }

    @Test
    void entriesAreStoredAlignedAndChecked() throws IOException {
        Path file = folder.resolve("aligned.pth");
        TorchWriter.write(file, Safetensors.read(folder.resolve("expected_odd.safetensors")));
        byte[] bytes = Files.readAllBytes(file);
        ByteBuffer raw = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int entries = 0;
        try (ZipFile zip = new ZipFile(file.toFile())) {
            for (Enumeration<? extends ZipEntry> e = zip.entries(); e.hasMoreElements(); entries++) {
                ZipEntry entry = e.nextElement();
                assertThat(entry.getMethod()).isEqualTo(ZipEntry.STORED);
                assertThat(zip.getInputStream(entry).readAllBytes()).hasSize((int) entry.getSize());
            }
        }
        assertThat(entries).isEqualTo(18 + 3);
        int aligned = 0;
        for (int at = 0; raw.getInt(at) == 0x04034b50; aligned++) {
            int data = at + 30 + raw.getShort(at + 26) + raw.getShort(at + 28);
            assertThat(data % 64).isZero();
            at = data + raw.getInt(at + 18);
        }
        assertThat(aligned).isEqualTo(entries);
    }

    @Test
    void flippedByteOfATensorIsFound() throws IOException {
        Path file = folder.resolve("flipped.pth");
        TorchWriter.write(file, new StateDict().put("a", HostTensor.of(new float[] {1, 2, 3}, 3)));
        byte[] bytes = Files.readAllBytes(file);
        int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("\u0000\u0000\u0040\u0040"); // 3f
        bytes[at + 1] ^= 1;
        Files.write(file, bytes);
        assertThatThrownBy(() -> CheckpointReader.read(file)).isInstanceOf(BadInput.class)
                .hasMessageContainingAll("CRC-32", "archive/data/0");
    }

    @Test
    void compressedEntriesAndOtherArchivesAreRefused() throws IOException {
        Path file = folder.resolve("deflated.pth");
        zip(file, "archive/data.pkl", new byte[100_000]);
        assertThatThrownBy(() -> CheckpointReader.read(file)).isInstanceOf(BadInput.class)
                .hasMessageContainingAll("archive/data.pkl", "compressed");
        zip(file, "photo.jpg", new byte[10]);
        assertThatThrownBy(() -> CheckpointReader.read(file)).isInstanceOf(BadInput.class).hasMessageContaining("data.pkl");
    }

    private static void zip(Path file, String name, byte[] data) throws IOException {
        try (OutputStream out = Files.newOutputStream(file); ZipOutputStream zip = new ZipOutputStream(out)) {
            zip.putNextEntry(new ZipEntry(name));
            zip.write(data);
            zip.closeEntry();
        }
    }

    @Test
    void zip64RecordsAreFollowed() throws IOException {
        Path file = folder.resolve("zip64.pth");
        TorchWriter.write(file, new StateDict().put("a", HostTensor.of(new float[] {7}, 1)));
        byte[] old = Files.readAllBytes(file);
        int end = old.length - 22;
        ByteBuffer from = ByteBuffer.wrap(old).order(ByteOrder.LITTLE_ENDIAN);
        int entries = from.getShort(end + 10);
        ByteBuffer grown = ByteBuffer.allocate(old.length + 56 + 20).order(ByteOrder.LITTLE_ENDIAN);
        grown.put(old, 0, end);
        grown.putInt(0x06064b50).putLong(44).putShort((short) 45).putShort((short) 45).putInt(0).putInt(0);
        grown.putLong(entries).putLong(entries).putLong(from.getInt(end + 12)).putLong(from.getInt(end + 16));
        grown.putInt(0x07064b50).putInt(0).putLong(end).putInt(1);
        grown.putInt(0x06054b50).putInt(0).putShort((short) -1).putShort((short) -1).putInt(-1).putInt(-1).putShort((short) 0);
        Files.write(file, grown.array());
        assertThat(CheckpointReader.read(file).model().get("a").toFloats()).containsExactly(7f);
    }

    @Test
    void otherFilesAreNamedForWhatTheyAre() throws IOException {
        Path file = folder.resolve("weights.pth");
        Files.writeString(file, "<!DOCTYPE html><html>");
        assertThatThrownBy(() -> CheckpointReader.read(file)).isInstanceOf(BadInput.class).hasMessageContaining("web page");
        Files.writeString(file, "version https://git-lfs.github.com/spec/v1");
        assertThatThrownBy(() -> CheckpointReader.read(file)).isInstanceOf(BadInput.class).hasMessageContaining("git lfs pull");
        assertThatThrownBy(() -> CheckpointReader.read(folder.resolve("none.pth"))).isInstanceOf(BadInput.class)
                .hasMessageContaining("no such file");
        assertThatThrownBy(() -> CheckpointReader.read(folder)).isInstanceOf(BadInput.class).hasMessageContaining("is a folder");
        assertThat(ZipArchive.crc32(MemorySegment.ofArray("123456789".getBytes(StandardCharsets.US_ASCII))))
                .isEqualTo(0xcbf43926);
    }
}
