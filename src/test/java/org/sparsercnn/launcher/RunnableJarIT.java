package org.sparsercnn.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.ffi.NativeProbe;

/** The jar that users get, after it is packed. */
class RunnableJarIT {
    private static final Path JAR = Path.of(System.getProperty("sparsercnn.jar"));

    @TempDir Path temp;

    /** The jar, and the probe beside it. */
    private static String classPathOfProbe() throws Exception {
        return JAR + ":" + Path.of(NativeProbe.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    }

    /** Runs the probe with an own cache and temporary folder, in a mount namespace after {@code mount} if that is given. */
    private JavaProcess probe(Path cache, Path temporary, String... mount) throws Exception {
        List<String> command = new ArrayList<>();
        if (mount.length > 0) {
            command.addAll(List.of("unshare", "--mount", "sh", "-c", "mount \"$@\" && shift $# && exec $JAVA_COMMAND", "sh"));
            command.addAll(List.of(mount));
        }
        List<String> java = List.of(JavaProcess.currentHome() + "/bin/java", "--illegal-native-access=deny",
                "--enable-native-access=ALL-UNNAMED", "-Djava.io.tmpdir=" + temporary, "-cp", classPathOfProbe(), NativeProbe.class.getName());
        if (mount.length == 0) command.addAll(java);
        return JavaProcess.startCommand(Map.of("XDG_CACHE_HOME", cache.toString(), "JAVA_COMMAND", String.join(" ", java)), command);
    }

    private static String folderOf(JavaProcess probe) throws InterruptedException {
        var ended = probe.end();
        assertThat(ended.err()).isEmpty();
        assertThat(ended.code()).isZero();
        assertThat(ended.out()).startsWith("18.0 ");
        return ended.out().substring("18.0 ".length()).strip();
    }

    @Test
    void startsWithNothingOnStderr() throws Exception {
        var ended = JavaProcess.start(JavaProcess.currentHome(), Map.of(),
                List.of("--illegal-native-access=deny", "-jar", JAR.toString(), "--version")).end();
        assertThat(ended.err()).isEmpty();
        assertThat(ended.out()).matches("sparse-rcnn \\d.*\\R");
        assertThat(ended.code()).isZero();
    }

    @Test
    void startsUnderAnOlderJavaToo() throws Exception {
        var ended = JavaProcess.start(JavaProcess.olderHome(), Map.of("SPARSERCNN_JAVA", JavaProcess.currentHome().toString()),
                List.of("-jar", JAR.toString(), "--version")).end();
        assertThat(ended.err()).isEmpty();
        assertThat(ended.out()).matches("sparse-rcnn \\d.*\\R");
        assertThat(ended.code()).isZero();
    }

    @Test
    void aProcessorThatDoesNotFitIsTheUsersMatter() throws Exception {
        var ended = JavaProcess.start(JavaProcess.currentHome(), Map.of(),
                List.of("-Dsparsercnn.isa=v5", "-jar", JAR.toString(), "selftest", "--device", "cpu")).end();
        assertThat(ended.err()).contains("error: -Dsparsercnn.isa=v5: wanted v3 or v4").doesNotContain("\tat ");
        assertThat(ended.code()).isEqualTo(2);
    }

    @Test
    void holdsWhatItNeedsAndNoMore() throws IOException {
        try (JarFile jar = new JarFile(JAR.toFile())) {
            Attributes manifest = jar.getManifest().getMainAttributes();
            assertThat(manifest.getValue("Enable-Native-Access")).isEqualTo("ALL-UNNAMED");
            assertThat(manifest.getValue("Implementation-Version")).isNotBlank();
            List<String> names = jar.stream().map(java.util.zip.ZipEntry::getName).toList();
            assertThat(names).doesNotHaveDuplicates().contains("META-INF/LICENSE", "META-INF/services/org.slf4j.spi.SLF4JServiceProvider",
                    "native/linux-x86_64/libsparsercnn-v3.so", "native/linux-x86_64/libsparsercnn-v4.so",
                    "native/linux-x86_64/libopenblas.so.0", "native/linux-x86_64/SHA256SUMS");
            assertThat(names).noneMatch(name -> name.endsWith("module-info.class") || name.endsWith(".SF") || name.contains("org/bytedeco")
                    || name.contains("org/openjdk/jmh") || name.contains("org/junit") || name.contains("emulated"));
            try (var in = new DataInputStream(jar.getInputStream(jar.getEntry("org/sparsercnn/launcher/Launcher.class")))) {
                assertThat(in.readInt()).isEqualTo(0xCAFEBABE);
                in.readUnsignedShort();
                assertThat(in.readUnsignedShort()).as("class file version of Java 11").isEqualTo(55);
            }
        }
    }

    @Test
    void eightProcessesUnpackAtOnce() throws Exception {
        Path cache = Files.createDirectory(temp.resolve("cache"));
        List<JavaProcess> probes = new ArrayList<>();
        for (int i = 0; i < 8; ++i) probes.add(probe(cache, temp));
        List<String> folders = new ArrayList<>();
        for (JavaProcess probe : probes) folders.add(folderOf(probe));
        assertThat(folders).allMatch(folder -> folder.startsWith(cache.toString())).containsOnly(folders.getFirst());
        assertThat(Path.of(folders.getFirst())).isDirectoryNotContaining("glob:**.part").isDirectoryContaining("glob:**/libopenblas.so.0");
    }

    @Test
    void repairsADamagedCache() throws Exception {
        Path cache = Files.createDirectory(temp.resolve("cache"));
        Path library = Path.of(folderOf(probe(cache, temp))).resolve("libopenblas.so.0");
        long size = Files.size(library);
        Files.delete(library);
        Files.write(library, new byte[1000]);
        folderOf(probe(cache, temp));
        assertThat(library).hasSize(size);
    }

    @Test
    void goesElsewhereFromAFolderThatCannotBeWritten() throws Exception {
        assertThat(folderOf(probe(temp.resolve("a/b/c"), Files.createDirectory(temp.resolve("tmp"))))).startsWith(temp + "/tmp/sparse-rcnn-");
        Path readOnly = Files.createDirectory(temp.resolve("read-only"));
        assumeMounts("ro", readOnly);
        assertThat(folderOf(probe(readOnly, temp, "-t", "tmpfs", "-o", "ro", "tmpfs", readOnly.toString()))).startsWith(temp + "/sparse-rcnn-");
    }

    @Test
    void goesElsewhereFromAFolderMountedNoexec() throws Exception {
        Path noexec = Files.createDirectory(temp.resolve("noexec"));
        assumeMounts("noexec", noexec);
        assertThat(folderOf(probe(noexec, temp, "-t", "tmpfs", "-o", "noexec", "tmpfs", noexec.toString()))).startsWith(temp + "/sparse-rcnn-");
    }

    private static void assumeMounts(String option, Path folder) throws InterruptedException {
        try {
            int code = new ProcessBuilder("unshare", "--mount", "mount", "-t", "tmpfs", "-o", option, "tmpfs", folder.toString())
                    .redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
            assumeTrue(code == 0, "this user may not mount a file system");
        } catch (IOException e) {
            assumeTrue(false, "no unshare here");
        }
    }

    @Test
    void theBenchmarksJarListsItsBenchmarks() throws Exception {
        var ended = JavaProcess.start(JavaProcess.currentHome(), Map.of(), List.of("--sun-misc-unsafe-memory-access=allow",
                "-jar", JAR.resolveSibling("benchmarks.jar").toString(), "-l")).end();
        assertThat(ended.out()).contains("org.sparsercnn.benchmarks.DowncallBenchmark");
        assertThat(ended.code()).isZero();
    }
}
