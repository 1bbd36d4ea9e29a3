package org.sparsercnn.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparsercnn.util.BadInput;

class SafetensorsTest {
    @TempDir
    Path folder;

    private static byte[] file(String header, int dataBytes) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).put(json)
                .array();
    }

    @Test
    void writtenTensorsAndMetadataComeBack() throws IOException {
        StateDict written = new StateDict()
                .put("flag", new HostTensor(Dtype.BOOL, new long[] {3}, MemorySegment.ofArray(new byte[] {1, 0, 1})))
                .put("weights \"ü\"", HostTensor.of(new float[] {1, -0f, Float.NaN, Float.MIN_VALUE, 5, 6}, 2, 3))
                .put("count", HostTensor.of(new long[] {Long.MIN_VALUE}))
                .put("none", HostTensor.of(new float[0], 0, 4))
                .putMetadata("format", "pt").putMetadata("text", "a\nb \\ \"c\"");
        Path file = folder.resolve("sub/a.safetensors");
        Safetensors.write(file, written);
        StateDict read = Safetensors.read(file);
        assertThat(read.metadata()).containsExactlyEntriesOf(written.metadata());
        assertThat(read.tensors().keySet()).containsExactly("count", "weights \"ü\"", "none", "flag");
        read.tensors().forEach((name, tensor) -> {
            HostTensor original = written.get(name);
            assertThat(tensor.dtype()).isEqualTo(original.dtype());
            assertThat(tensor.shape()).isEqualTo(original.shape());
            assertThat(tensor.data().mismatch(original.data())).isEqualTo(-1);
            assertThat(tensor.data().address() % tensor.dtype().bytes()).as("alignment of " + name).isZero();
        });
        try (Stream<Path> files = Files.list(file.getParent())) {
            assertThat(files).containsExactly(file);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,12]}} | truncated",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}} | needs 12 bytes",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}} | negative size",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}} | larger than any memory",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}} | larger than any memory",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}} | offsets [8, 0]",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}} | offsets [-8, 0]",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}} | starts at byte 4",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} | but 8 follow",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}} | starts at byte 4",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}} | Duplicate",
        "{\"a\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,8]}} | element type 'C64'",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2.5],\"data_offsets\":[0,8]}} | whole number",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,8]}} | whole number",
        "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}} | lacks its shape",
        "{\"a\":7} | element type ''",
        "{\"a\": | not the JSON",
    })
    void headersThatLieAreRefused(String header, String reason) throws IOException {
        Path file = folder.resolve("lie.safetensors");
        Files.write(file, file(header, 8));
        assertThatThrownBy(() -> CheckpointReader.read(file)).isInstanceOf(BadInput.class)
                .hasMessageStartingWith(file.toString()).hasMessageContaining(reason);
        assertThatThrownBy(() -> Safetensors.read(file)).isInstanceOf(BadInput.class)
                .hasMessageStartingWith(file.toString()).hasMessageContaining(reason);
    }

    @Test
    void headerLongerThanTheFileIsTruncation() throws IOException {
        Path file = folder.resolve("cut.safetensors");
        byte[] whole = file("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8);
        Files.write(file, Arrays.copyOf(whole, 20));
        assertThatThrownBy(() -> CheckpointReader.read(file)).isInstanceOf(BadInput.class)
                .hasMessageContaining("truncated: the header is 54 bytes long, the file 20");
    }

    @Test
    void failedWriteLeavesTheOldFileAndNoRest() throws IOException {
        Path file = folder.resolve("a.safetensors");
        Safetensors.write(file, new StateDict().put("a", HostTensor.of(new float[] {1}, 1)));
        byte[] before = Files.readAllBytes(file);
        StateDict broken = new StateDict().put("a", HostTensor.of(new float[] {2}, 1));
        try (Arena arena = Arena.ofConfined()) {
            broken.put("b", new HostTensor(Dtype.U8, new long[] {4}, arena.allocate(4)));
        }
        assertThatThrownBy(() -> Safetensors.write(file, broken)).isInstanceOf(IllegalStateException.class);
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void folderThatCannotBeWrittenIsBadInput() throws IOException {
        Path notAFolder = Files.writeString(folder.resolve("file"), "x");
        assertThatThrownBy(() -> Safetensors.write(notAFolder.resolve("a.safetensors"), new StateDict()))
                .isInstanceOf(BadInput.class).hasMessageContainingAll("a.safetensors: cannot be written", "another folder");
    }

    @Test
    void floatsOfEveryType() {
        byte[] bytes = {0, 0x3c, (byte) 0x80, 0x3f}; // half 1.0; bfloat16 1.0 behind it
        assertThat(new HostTensor(Dtype.F16, new long[] {1}, MemorySegment.ofArray(bytes).asSlice(0, 2)).toFloats())
                .containsExactly(1f);
        assertThat(new HostTensor(Dtype.BF16, new long[] {1}, MemorySegment.ofArray(bytes).asSlice(2, 2)).toFloats())
                .containsExactly(1f);
        MemorySegment signed = MemorySegment.ofArray(new byte[] {-1, 2});
        assertThat(new HostTensor(Dtype.U8, new long[] {2}, signed).toFloats()).containsExactly(255f, 2f);
        assertThat(new HostTensor(Dtype.I8, new long[] {2}, signed).toFloats()).containsExactly(-1f, 2f);
        assertThat(new HostTensor(Dtype.BOOL, new long[] {2}, signed).toF32().toFloats()).containsExactly(1f, 1f);
        assertThat(new HostTensor(Dtype.I16, new long[] {1}, signed).toFloats()).containsExactly(767f);
        assertThat(HostTensor.of(new long[] {-5}).toFloats()).containsExactly(-5f);
    }
}
