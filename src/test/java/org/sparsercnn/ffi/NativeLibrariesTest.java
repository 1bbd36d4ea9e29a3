package org.sparsercnn.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.util.BadInput;

class NativeLibrariesTest {
    @AfterEach
    void forgetFolder() {
        System.clearProperty("sparsercnn.native.dir");
    }

    @Test
    void opensOpenBlasAndOurKernelsForThisProcessor() {
        assertThat(NativeProbe.dotOfTwoThrees()).isEqualTo(18);
        assertThat(NativeLibraries.open("sparsercnn").find("layer_norm_fwd_f32")).isPresent();
        assertThat(NativeLibraries.open("openblas")).isSameAs(NativeLibraries.open("openblas"));
        assertThat(NativeLibraries.locate("sparsercnn")).hasFileName("libsparsercnn-" + NativeLibraries.isa() + ".so");
    }

    @Test
    void exportsNothingButOurOwnNames() {
        assertThat(NativeLibraries.open("sparsercnn").find("_ZSt9terminatev")).isEmpty();
    }

    @Test
    void saysWhatThisBuildDoesNotHave() {
        assertThat(NativeLibraries.find("nosuch")).isEmpty();
        assertThatThrownBy(() -> NativeLibraries.locate("nosuch")).isInstanceOf(BadInput.class).hasMessageContaining("libnosuch.so");
    }

    @Test
    void takesLibrariesFromTheFolderOfTheProperty(@TempDir Path folder) throws IOException {
        System.setProperty("sparsercnn.native.dir", folder.toString());
        assertThatThrownBy(() -> NativeLibraries.locate("mine")).isInstanceOf(BadInput.class)
                .hasMessageContaining(folder.toString()).hasMessageContaining("libmine.so");
        Path file = Files.writeString(folder.resolve("libmine.so"), "not a library");
        assertThat(NativeLibraries.locate("mine")).isEqualTo(file);
        assertThatThrownBy(() -> NativeLibraries.open("mine")).isInstanceOf(BadInput.class)
                .hasMessageContaining("libmine.so cannot be loaded").hasMessageContaining("file too short");
    }

    @Test
    void explainsWhatTheLoaderSays() {
        Path file = Path.of("/x/libsparsercnn-v3.so");
        assertThat(NativeLibraries.explain(file, "/lib/libc.so.6: version `GLIBC_2.34' not found", Optional.of("2.31")))
                .contains("GLIBC 2.34 or newer is needed, found 2.31").contains("libsparsercnn-v3.so");
        assertThat(NativeLibraries.explain(file, "libgcc_s.so.1: cannot open shared object file", Optional.of("2.36"))).contains("Install");
        assertThat(NativeLibraries.explain(file, "ld-linux-x86-64.so.2 is missing", Optional.empty())).contains("not GLIBC");
    }

    @Test
    void readsTheVersionOfGlibc() {
        assertThat(Libc.glibcVersion()).hasValueSatisfying(version -> assertThat(version).matches("2\\.\\d+"));
    }
}
