package org.sparsercnn.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A fifth of COCO's train2017, with a fifth of the 300 MB of heap that the whole may take. */
class LargeAnnotationFileTest {
    private static final int IMAGES = 23_600;
    private static final int BOXES = 172_000;
    private static final Pattern RESULT = Pattern.compile("images (\\d+) boxes (\\d+) kept (-?\\d+)");

    @TempDir
    Path folder;

    /** Runs in the JVM that the test starts: loads a data set as a training does and tells what of it stays on the heap. */
    static final class Load {
        public static void main(String[] args) {
            Path folder = Path.of(args[0]);
            load(folder.resolve("small.json")); // loads the classes
            long before = used();
            Dataset data = load(folder.resolve("large.json"));
            Preflight.of(data, 100);
            int boxes = data.images().stream().mapToInt(ImageRecord::trainable).sum();
            long kept = used() - before;
            System.out.println("images " + data.size() + " boxes " + boxes + " kept " + kept);
        }

        private static Dataset load(Path json) {
            return CocoReader.read("sample", json, json.resolveSibling("images"), true).withoutEmptyImages();
        }

        private static long used() {
            System.gc();
            return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
        }
    }

    @Test
    void loadsByStreamingAndStaysOffTheHeap() throws Exception {
        SampleAnnotations.write(folder.resolve("small.json"), 10, 100, 1);
        SampleAnnotations.write(folder.resolve("large.json"), IMAGES, BOXES, 2);
        assertThat(Files.size(folder.resolve("large.json"))).isGreaterThan(80_000_000); // polygons like the real file's
        Matcher result = RESULT.matcher(child("-Xmx60m", "-XX:+UseSerialGC"));
        assertThat(result.find()).isTrue();
        assertThat(Integer.parseInt(result.group(1))).isBetween(IMAGES * 99 / 100, IMAGES); // few have no box
        assertThat(Integer.parseInt(result.group(2))).isBetween(BOXES * 98 / 100, BOXES); // but for crowds
        assertThat(Long.parseLong(result.group(3))).isLessThan(3_000_000); // objects for boxes would be 15 MB, for images 5 MB
    }

    private String child(String... options) throws IOException, InterruptedException {
        Path output = folder.resolve("output.txt");
        ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        builder.command().addAll(List.of(options));
        builder.command().addAll(List.of("-cp", System.getProperty("java.class.path"), Load.class.getName(), folder.toString()));
        Map<String, String> environment = builder.environment();
        environment.remove("JAVA_TOOL_OPTIONS");
        environment.remove("JDK_JAVA_OPTIONS");
        Process process = builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
        try {
            assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        String said = Files.readString(output, StandardCharsets.UTF_8);
        assertThat(process.exitValue()).as(said).isZero();
        return said;
    }
}
