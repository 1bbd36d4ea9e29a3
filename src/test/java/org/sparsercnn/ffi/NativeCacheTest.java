package org.sparsercnn.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.util.BadInput;

class NativeCacheTest {
    private static final List<String> BOTH = List.of("liba.so", "libb.so");
    private static final int SOMEONE_ELSE = 12345;

    @TempDir Path temp;

    private final Map<String, String> jar = new HashMap<>(Map.of("liba.so", "library a", "libb.so", "library b"));
    private Path first, second;

    @BeforeEach
    void folders() {
        first = temp.resolve("first/sparse-rcnn");
        second = temp.resolve("second/sparse-rcnn");
    }

    private NativeCache cache(Path... bases) throws IOException {
        Map<String, String> hashes = Map.of("liba.so", hash("library a"), "libb.so", hash("library b"));
        return new NativeCache(List.of(bases), "v1", hashes, name -> stream(jar.get(name)));
    }

    private static ByteArrayInputStream stream(String content) {
        return new ByteArrayInputStream(content.getBytes(StandardCharsets.UTF_8));
    }

    private static String hash(String content) throws IOException {
        return NativeCache.hash(stream(content));
    }

    private static String mode(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path, LinkOption.NOFOLLOW_LINKS));
    }

    @Test
    void unpacksIntoAFolderForTheUserAlone() throws IOException {
        Path folder = cache(first, second).unpack(BOTH);
        assertThat(folder).isEqualTo(first.resolve("v1"));
        assertThat(folder.resolve("liba.so")).hasContent("library a");
        assertThat(folder.resolve("libb.so")).hasContent("library b");
        assertThat(mode(first)).isEqualTo("rwx------");
        assertThat(mode(folder)).isEqualTo("rwx------");
        assertThat(mode(folder.resolve("liba.so"))).isEqualTo("r-x------");
        assertThat(folder).isDirectoryNotContaining("glob:**.part");
        assertThat(second).doesNotExist();
    }

    @Test
    void usesWhatIsThere() throws IOException {
        Path file = cache(first).unpack(BOTH).resolve("liba.so");
        Object before = Files.getAttribute(file, "unix:ino");
        cache(first).unpack(BOTH);
        assertThat(Files.getAttribute(file, "unix:ino")).isEqualTo(before);
    }

    @Test
    void replacesATamperedFile() throws IOException {
        Path file = cache(first).unpack(BOTH).resolve("liba.so");
        Files.delete(file);
        Files.writeString(file, "library x");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r-x------"));
        assertThat(cache(first).unpack(BOTH).resolve("liba.so")).hasContent("library a");
    }

    @Test
    void replacesAFileThatOthersMayWrite() throws IOException {
        Path file = cache(first).unpack(BOTH).resolve("liba.so");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxrw-rw-"));
        cache(first).unpack(BOTH);
        assertThat(mode(file)).isEqualTo("r-x------");
    }

    @Test
    void replacesALinkAndLeavesItsTargetAlone() throws IOException {
        Path file = cache(first).unpack(BOTH).resolve("liba.so");
        Path target = Files.writeString(temp.resolve("target"), "library a");
        Files.delete(file);
        Files.createSymbolicLink(file, target);
        cache(first).unpack(BOTH);
        assertThat(file).isRegularFile().hasContent("library a");
        assertThat(Files.isSymbolicLink(file)).isFalse();
        assertThat(target).hasContent("library a");
    }

    @Test
    void goesElsewhereWhenTheFolderIsALink() throws IOException {
        Path trap = Files.createDirectory(temp.resolve("trap"));
        Files.createDirectories(first.getParent());
        Files.createSymbolicLink(first, trap);
        assertThat(cache(first, second).unpack(BOTH)).isEqualTo(second.resolve("v1"));
        assertThat(trap).isEmptyDirectory();
    }

    @Test
    void goesElsewhereWhenTheFolderIsAnothersUsers() throws IOException {
        assumeTrue(NativeCache.userOfThisProcess() == 0, "needs root to give a folder away");
        Files.createDirectories(first);
        Files.setAttribute(first, "unix:uid", SOMEONE_ELSE);
        assertThat(cache(first, second).unpack(BOTH)).isEqualTo(second.resolve("v1"));
        assertThatThrownBy(() -> cache(first).unpack(BOTH)).isInstanceOf(BadInput.class).hasMessageContaining("another user");
    }

    @Test
    void closesAFolderThatWasOpenToOthers() throws IOException {
        Files.createDirectories(first);
        Files.setPosixFilePermissions(first, PosixFilePermissions.fromString("rwxrwxrwx"));
        cache(first).unpack(BOTH);
        assertThat(mode(first)).isEqualTo("rwx------");
    }

    @Test
    void goesElsewhereWhenNothingCanBeCreatedThere() throws IOException {
        Files.writeString(first.getParent(), "a file where a folder should be");
        assertThat(cache(first, second).unpack(BOTH)).isEqualTo(second.resolve("v1"));
    }

    @Test
    void doesNotInventAHome() {
        Path homeless = temp.resolve("no/home/.cache/sparse-rcnn");
        assertThatThrownBy(() -> cache(homeless).unpack(BOTH)).isInstanceOf(BadInput.class);
        assertThat(temp.resolve("no")).doesNotExist();
    }

    @Test
    void saysOfEachFolderWhyItWillNotDo() throws IOException {
        Files.writeString(first.getParent(), "a file");
        Files.createDirectories(second.getParent());
        Files.createSymbolicLink(second, temp);
        assertThatThrownBy(() -> cache(first, second).unpack(BOTH)).isInstanceOf(BadInput.class)
                .hasMessageContaining(first.toString()).hasMessageContaining(second + ": sparse-rcnn is not a folder")
                .hasMessageContaining("XDG_CACHE_HOME");
    }

    @Test
    void refusesADamagedJar() {
        jar.put("libb.so", "library");
        assertThatThrownBy(() -> cache(first, second).unpack(BOTH)).isInstanceOf(BadInput.class)
                .hasMessageContaining("libb.so in the jar is damaged");
        assertThat(first.resolve("v1/libb.so")).doesNotExist();
    }
}
