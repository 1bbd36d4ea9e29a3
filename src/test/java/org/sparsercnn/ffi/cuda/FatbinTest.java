package org.sparsercnn.ffi.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.ffi.NativeLibraries;

class FatbinTest {
    @TempDir Path folder;

    private Path file(byte[] bytes) throws IOException {
        return Files.write(folder.resolve("kernels.fatbin"), bytes);
    }

    /** As nvcc 13 writes them, payloads left small. */
    @Test
    void readsTheHeaders() throws IOException {
        ByteBuffer b = ByteBuffer.allocate(16 + 3 * (64 + 8)).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(0xBA55ED50).putShort((short) 1).putShort((short) 16).putLong(3 * (64 + 8));
        entry(b, 1, 80, 0x8011);
        entry(b, 2, 80, 0x8011);
        entry(b, 2, 90, 0x108011);
        assertThat(Fatbin.architectures(file(b.array()))).containsExactly("compute_80", "sm_80", "sm_90a");
    }

    private static void entry(ByteBuffer b, int kind, int architecture, long flags) {
        int at = b.position();
        b.putShort(at, (short) kind).putShort(at + 2, (short) 0x101).putInt(at + 4, 64).putLong(at + 8, 8).putInt(at + 28, architecture)
                .putLong(at + 40, flags).position(at + 64 + 8);
    }

    @Test
    void whatIsNoneHasNone() throws IOException {
        assertThat(Fatbin.architectures(file(new byte[0]))).isEmpty();
        assertThat(Fatbin.architectures(file(new byte[200]))).isEmpty();
        assertThat(Fatbin.architectures(file(new byte[] {0x50, (byte) 0xed, 0x55, (byte) 0xba, 1, 0, 16, 0, 100, 0, 0, 0, 0, 0, 0, 0, 1, 0}))).isEmpty();
    }

    /** Of this build, where nvcc made them. */
    @Test
    void ourKernelsAreForAmpereAndHopper() {
        NativeLibraries.find("kernels.fatbin").ifPresent(kernels ->
                assertThat(Fatbin.architectures(kernels)).contains("sm_80", "sm_90a").anyMatch(name -> name.startsWith("compute_")));
    }
}
