package org.sparsercnn.viz;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.File;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Pictures come out where no font is installed. The JDK looks for fonts when its font manager is loaded, and fails there; so
 * a JVM of its own draws everything and lists the classes it loaded.
 */
class NoFontTest {
    @TempDir
    Path folder;

    /** Runs in the other JVM. */
    static final class DrawEverything {
        private DrawEverything() {}

        public static void main(String[] arguments) {
            System.setProperty("java.awt.headless", "true");
            Path folder = Path.of(arguments[0]);
            BufferedImage photo = new BufferedImage(400, 300, BufferedImage.TYPE_INT_RGB);
            float[] box = {50, 60, 200, 200};
            BufferedImage painted = new DetectionPainter(0.2, true)
                    .paint(
                            photo,
                            BoxLayer.detections(box, new String[] {"person"}, new float[] {0.9f}, new int[] {0}),
                            BoxLayer.groundTruth(box, new String[] {"Löwe"}, new int[] {1}));
            Pictures.write(painted, folder.resolve("painted.png"));
            Pictures.write(painted, folder.resolve("painted.jpg"));
            Pictures.write(Montage.of(List.of(painted), List.of("caption"), 1, 200), folder.resolve("montage.png"));
            int[] iterations = {1, 2, 3};
            double[] values = {3, 2, 1};
            Pictures.write(Plots.training(iterations, Map.of("loss", values), values), folder.resolve("loss.png"));
            Pictures.write(Plots.averagePrecision(iterations, Map.of("AP", values)), folder.resolve("ap.png"));
            Plots.PrecisionCurve curve = new Plots.PrecisionCurve("person", 0.5, new double[] {1, 0.5, 0});
            Pictures.write(Plots.precisionRecall("PR", List.of(curve)), folder.resolve("pr.png"));
        }
    }

    @Test
    void nothingAsksTheMachineForFonts() throws Exception {
        Path output = folder.resolve("classes.txt");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xlog:class+load:stdout",
                        "-cp",
                        place(StrokeFont.class) + File.pathSeparator + place(NoFontTest.class),
                        DrawEverything.class.getName(),
                        folder.toString())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        List<String> lines = Files.readAllLines(output);
        assertThat(process.exitValue()).as(() -> String.join("\n", lines.reversed().subList(0, 20).reversed())).isZero();
        assertThat(lines).anyMatch(line -> line.contains("org.sparsercnn.viz.StrokeFont"));
        assertThat(lines).noneMatch(line -> line.matches(
                ".*\\bsun\\.(font|awt)\\.(\\w*FontManager\\w*|\\w*FontConfiguration\\w*|Font2D) .*"));
        try (Stream<Path> pictures = Files.list(folder)) {
            assertThat(pictures.filter(p -> !p.equals(output))).hasSize(6);
        }
    }

    private static Path place(Class<?> type) throws URISyntaxException {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    }
}
