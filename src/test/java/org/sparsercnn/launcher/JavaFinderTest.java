package org.sparsercnn.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JavaFinderTest {
    @TempDir Path temp;

    /** An installation as far as the finder looks. */
    private Path install(String folder, String version) throws IOException {
        Path home = temp.resolve(folder);
        Path java = home.resolve("bin/java");
        Files.createDirectories(java.getParent());
        Files.writeString(java, "");
        assertThat(java.toFile().setExecutable(true)).isTrue();
        Files.writeString(home.resolve("release"), "IMPLEMENTOR=\"Test\"\nJAVA_VERSION=\"" + version + "\"\n");
        return home;
    }

    private List<Path> found(Map<String, String> environment, String... shelves) {
        return List.copyOf(new JavaFinder(environment, List.of(shelves)).homes(25));
    }

    @Test
    void readsVersionsOldAndNew() throws IOException {
        assertThat(JavaFinder.version(install("a", "1.8.0_412"))).isEqualTo(1);
        assertThat(JavaFinder.version(install("b", "17.0.15"))).isEqualTo(17);
        assertThat(JavaFinder.version(install("c", "26-ea"))).isEqualTo(26);
        assertThat(JavaFinder.version(install("d", ""))).isZero();
        assertThat(JavaFinder.version(temp.resolve("nothing"))).isZero();
    }

    @Test
    void findsNewEnoughOnesOnAShelfAndInTheMacLayout() throws IOException {
        install("jvm/java-17", "17.0.15");
        Path plain = install("jvm/java-25", "25.0.3");
        Path mac = install("jvm/temurin-26.jdk/Contents/Home", "26");
        assertThat(found(Map.of(), temp.resolve("jvm").toString(), temp.resolve("absent").toString())).containsExactly(plain, mac);
    }

    @Test
    void looksAtTheEnvironmentFirst() throws IOException {
        Path onShelf = install("jvm/java-25", "25");
        Path javaHome = install("home", "25.0.1");
        assertThat(found(Map.of("JAVA_HOME", javaHome.toString()), temp.resolve("jvm").toString())).containsExactly(javaHome, onShelf);
        Path old = install("old", "21");
        assertThat(found(Map.of("JAVA_HOME", old.toString()), temp.resolve("jvm").toString())).containsExactly(onShelf);
    }

    @Test
    void followsLinksOnThePath() throws IOException {
        Path home = install("somewhere/jdk", "25");
        Path bin = Files.createDirectory(temp.resolve("bin"));
        Files.createSymbolicLink(bin.resolve("java"), home.resolve("bin/java"));
        assertThat(found(Map.of("PATH", temp.resolve("absent") + ":" + bin))).containsExactly(home);
    }

    @Test
    void takesSparsercnnJavaAsAnOrder() throws IOException {
        Path onShelf = install("jvm/java-25", "25");
        Path chosen = install("chosen", "27");
        String shelf = onShelf.getParent().toString();
        assertThat(found(Map.of("SPARSERCNN_JAVA", chosen.toString()), shelf)).containsExactly(chosen);
        assertThat(found(Map.of("SPARSERCNN_JAVA", chosen.resolve("bin/java").toString()), shelf)).containsExactly(chosen);
        assertThat(found(Map.of("SPARSERCNN_JAVA", temp.resolve("absent").toString()), shelf)).isEmpty();
    }

    @Test
    void passesOverAFolderWithoutJava() throws IOException {
        Path home = install("jvm/java-25", "25");
        Files.delete(home.resolve("bin/java"));
        assertThat(found(Map.of(), home.getParent().toString())).isEmpty();
    }
}
