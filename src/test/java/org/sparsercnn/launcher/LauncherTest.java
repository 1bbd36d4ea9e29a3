package org.sparsercnn.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher as users meet it: started by a real older java, with a small program in the place of ours. */
class LauncherTest {
    private static final String PROGRAM = """
            package org.sparsercnn.cli;

            public class Main {
                public static void main(String[] args) throws Exception {
                    switch (args[0]) {
                        case "report" -> {
                            System.out.println(Runtime.version().feature() + " " + System.getProperty("color") + " "
                                    + Runtime.getRuntime().maxMemory() / (1 << 20) + " " + String.join("|", args));
                            System.in.transferTo(System.out);
                            System.err.println("to stderr");
                            System.exit(7);
                        }
                        case "wait" -> {
                            Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("saved")));
                            hang(args[1]);
                        }
                        case "catch" -> {
                            sun.misc.Signal.handle(new sun.misc.Signal("INT"), signal -> {
                                System.out.println("interrupted");
                                Runtime.getRuntime().halt(130);
                            });
                            hang(args[1]);
                        }
                        case "throw" -> throw new java.io.IOException("a defect");
                    }
                }

                /** Writes our process id, whole, then sleeps. */
                private static void hang(String file) throws Exception {
                    var path = java.nio.file.Path.of(file);
                    var part = java.nio.file.Files.writeString(java.nio.file.Path.of(file + ".part"), "" + ProcessHandle.current().pid());
                    java.nio.file.Files.move(part, path);
                    Thread.sleep(60_000);
                }
            }
            """;

    @TempDir static Path temp;
    private static String classPath;

    @BeforeAll
    static void compileTheProgram() throws IOException, URISyntaxException {
        Path source = Files.writeString(Files.createDirectories(temp.resolve("source")).resolve("Main.java"), PROGRAM);
        Path classes = Files.createDirectory(temp.resolve("classes"));
        int failed = ToolProvider.getSystemJavaCompiler().run(null, null, java.io.OutputStream.nullOutputStream(),
                "-d", classes.toString(), source.toString());
        assertThat(failed).isZero();
        URI ours = Launcher.class.getProtectionDomain().getCodeSource().getLocation().toURI();
        classPath = classes + ":" + Path.of(ours);
    }

    /** The launcher under an older Java, told to continue on the one that runs this test. */
    private static JavaProcess launch(List<String> options, String... args) throws IOException {
        return launch(Map.of("SPARSERCNN_JAVA", JavaProcess.currentHome().toString()), options, args);
    }

    private static JavaProcess launch(Map<String, String> environment, List<String> options, String... args) throws IOException {
        return JavaProcess.start(JavaProcess.olderHome(), environment, command(options, args));
    }

    private static List<String> command(List<String> options, String... args) {
        List<String> command = new ArrayList<>(options);
        command.addAll(List.of("-cp", classPath, "org.sparsercnn.launcher.Launcher"));
        command.addAll(List.of(args));
        return command;
    }

    private static long childPid(Path file) throws IOException, InterruptedException {
        for (int i = 0; i < 600 && !Files.exists(file); ++i) Thread.sleep(50);
        return Long.parseLong(Files.readString(file));
    }

    /** Gone, or only its entry in the process table left for a parent that does not look. */
    private static boolean vanishes(long pid) throws InterruptedException {
        for (int i = 0; i < 200; ++i) {
            try {
                String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
                if (stat.charAt(stat.lastIndexOf(')') + 2) == 'Z') return true;
            } catch (IOException e) {
                return true;
            }
            Thread.sleep(50);
        }
        return false;
    }

    private static void kill(String signal, long pid) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder("sh", "-c", "kill -" + signal + " " + pid).start().waitFor()).isZero();
    }

    @Test
    void continuesOnANewerJavaWithEverythingPassedOn() throws Exception {
        var ended = launch(List.of("-Dcolor=green", "-Xmx48m", "-XX:+UseG1GC"), "report", "two words", "", "--x=*").type("typed in").end();
        assertThat(ended.out()).isEqualTo(Runtime.version().feature() + " green 48 report|two words||--x=*\ntyped in");
        assertThat(ended.err()).isEqualTo("to stderr\n");
        assertThat(ended.code()).isEqualTo(7);
    }

    @Test
    void findsThatJavaByItself() throws Exception {
        var ended = launch(Map.of("JAVA_HOME", JavaProcess.currentHome().toString()), List.of(), "report").type("").end();
        assertThat(ended.out()).startsWith(Runtime.version().feature() + " ");
        assertThat(ended.code()).isEqualTo(7);
    }

    @Test
    void staysInTheProcessOnANewJava() throws Exception {
        JavaProcess program = JavaProcess.start(JavaProcess.currentHome(), Map.of(), command(List.of(), "wait", temp + "/direct"));
        assertThat(childPid(temp.resolve("direct"))).isEqualTo(program.process().pid());
        kill("TERM", program.process().pid());
        assertThat(program.end().code()).isEqualTo(143);
    }

    @Test
    void letsADefectEndInItsOwnStackTrace() throws Exception {
        var ended = JavaProcess.start(JavaProcess.currentHome(), Map.of(), command(List.of(), "throw")).end();
        assertThat(ended.err()).contains("java.io.IOException: a defect").doesNotContain("InvocationTarget");
        assertThat(ended.code()).isEqualTo(1);
    }

    @Test
    void saysWhatToInstall() throws Exception {
        var ended = launch(Map.of("SPARSERCNN_JAVA", "/nowhere"), List.of(), "report").end();
        assertThat(ended.code()).isEqualTo(2);
        assertThat(ended.out()).isEmpty();
        assertThat(ended.err()).startsWith("sparse-rcnn needs Java 25 or newer; this is Java ").contains("Install a JDK 25")
                .doesNotContain("Exception");
    }

    @Test
    void goesOnWhereAnInstallationCannotBeStarted() throws Exception {
        Path broken = temp.resolve("broken");
        Files.createDirectories(broken.resolve("bin"));
        Files.writeString(broken.resolve("release"), "JAVA_VERSION=\"25\"");
        assertThat(Files.writeString(broken.resolve("bin/java"), "#!/no/such/loader\n").toFile().setExecutable(true)).isTrue();
        var ended = launch(Map.of("JAVA_HOME", broken.toString(), "JDK_HOME", JavaProcess.currentHome().toString()), List.of(), "report").type("").end();
        assertThat(ended.code()).isEqualTo(7);
    }

    @Test
    void passesOnTermination() throws Exception {
        JavaProcess launcher = launch(List.of(), "wait", temp + "/term");
        long child = childPid(temp.resolve("term"));
        assertThat(child).isNotEqualTo(launcher.process().pid());
        kill("TERM", launcher.process().pid());
        var ended = launcher.end();
        assertThat(ended.out()).isEqualTo("saved\n");
        assertThat(ended.code()).isEqualTo(143);
        assertThat(vanishes(child)).isTrue();
    }

    @Test
    void passesOnAnInterrupt() throws Exception {
        assumeTrue(interruptsAreDelivered(), "SIGINT is ignored here, as in a background job");
        JavaProcess launcher = launch(List.of(), "catch", temp + "/int");
        childPid(temp.resolve("int"));
        kill("INT", launcher.process().pid());
        var ended = launcher.end();
        assertThat(ended.out()).isEqualTo("interrupted\n");
        assertThat(ended.code()).isEqualTo(130);
    }

    private static boolean interruptsAreDelivered() throws IOException {
        String ignored = Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("SigIgn:"))
                .findFirst().orElseThrow().replaceAll("\\D*:\\s*", "");
        return (Long.parseUnsignedLong(ignored, 16) & 0b10) == 0;
    }

    @Test
    void passesOnTheDeathOfTheChild() throws Exception {
        JavaProcess launcher = launch(List.of(), "wait", temp + "/child");
        kill("KILL", childPid(temp.resolve("child")));
        assertThat(launcher.end().code()).isEqualTo(137);
    }

    @Test
    void takesItsChildAlongWhenItIsKilled() throws Exception {
        JavaProcess launcher = launch(List.of(), "wait", temp + "/kill");
        long child = childPid(temp.resolve("kill"));
        kill("KILL", launcher.process().pid());
        assertThat(launcher.process().waitFor(Duration.ofSeconds(10))).isTrue();
        assertThat(vanishes(child)).as("the child ends with the launcher").isTrue();
    }

    @Test
    void endsAChildWhoseParentWasGoneBeforeItLooked() throws Exception {
        long notItsParent = ProcessHandle.current().parent().orElseThrow().pid();
        var ended = JavaProcess.start(JavaProcess.currentHome(), Map.of(),
                command(List.of("--enable-native-access=ALL-UNNAMED", "-Dsparsercnn.launcher.pid=" + notItsParent), "report")).end();
        assertThat(ended.code()).isEqualTo(137);
        assertThat(ended.out()).isEmpty();
    }
}
