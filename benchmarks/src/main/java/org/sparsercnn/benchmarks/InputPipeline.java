package org.sparsercnn.benchmarks;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.sparsercnn.data.DataLoader;
import org.sparsercnn.data.Draw;
import org.sparsercnn.data.Image;
import org.sparsercnn.data.ImageDecoder;
import org.sparsercnn.data.ImageSize;
import org.sparsercnn.data.Resize;
import org.sparsercnn.data.ResizeShortestEdge;
import org.sparsercnn.ffi.TurboJpeg;
import org.sparsercnn.util.Json;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Times the loader: decode, turn upright, flip every second picture, scale the shorter side to the published lengths in turn. Its
 * peer, {@code benchmarks/peer/bench_loader.py}, does the same to the same pictures; {@code benchmarks/compare.py} runs both, and
 * compares the checksums of what comes out.
 */
@Command(name = "InputPipeline", mixinStandardHelpOptions = true, sortOptions = false, description = "Times decoding, flipping and scaling of pictures.")
public final class InputPipeline implements Callable<Integer> {
    private static final int[] SHORTER_SIDE = {480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800};
    private static final int LONGER_SIDE = 1333;
    private static final Duration TIMEOUT = Duration.ofMinutes(1);

    @Option(names = "--images", required = true, description = "folder of JPEG files")
    private Path folder;

    @Option(names = "--workers", defaultValue = "1")
    private int workers;

    @Option(names = "--count", defaultValue = "400", description = "pictures to time")
    private int count;

    @Option(names = "--warmup", defaultValue = "600", description = "pictures before that, for the JVM to compile")
    private int warmup;

    private List<Path> files;

    public static void main(String[] args) {
        System.exit(new CommandLine(new InputPipeline()).execute(args));
    }

    @Override
    public Integer call() throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            files = all.filter(file -> file.toString().endsWith(".jpg")).sorted().toList();
        }
        CRC32 checksum = new CRC32();
        IntStream.range(0, files.size()).forEach(i -> checksum.update(picture(new Draw(0, i)).pixels()));
        Iterator<List<Draw>> draws = IntStream.range(0, warmup + count).mapToObj(i -> List.of(new Draw(0, i))).iterator();
        long begin = 0;
        long cpuBegin = 0;
        try (DataLoader<Image> loader = new DataLoader<>(draws, this::picture, workers, TIMEOUT)) {
            for (int i = 0; i < warmup + count; i++) {
                if (i == warmup) {
                    begin = System.nanoTime();
                    cpuBegin = processCpuNanos();
                }
                loader.next();
            }
        }
        double seconds = (System.nanoTime() - begin) * 1e-9;
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("engine", "sparse-rcnn");
        line.put("jpeg", TurboJpeg.ofThisMachine().isPresent() ? "libjpeg-turbo" : "ImageIO");
        line.put("workers", workers);
        line.put("images", count);
        line.put("images_per_s", round(count / seconds));
        line.put("cpu_ms", round((processCpuNanos() - cpuBegin) * 1e-6 / count));
        line.put("checksum", checksum.getValue());
        System.out.println(Json.MAPPER.writeValueAsString(line));
        return 0;
    }

    private Image picture(Draw draw) {
        Image image = ImageDecoder.read(files.get(draw.index() % files.size()));
        if (draw.index() % 2 == 1) {
            image = image.flipHorizontal();
        }
        ImageSize size = ResizeShortestEdge.scaled(new ImageSize(image.width(), image.height()), SHORTER_SIDE[draw.index() % SHORTER_SIDE.length],
                LONGER_SIDE);
        return Resize.bilinear(image, size.width(), size.height());
    }

    private static long processCpuNanos() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private static double round(double x) {
        return Double.parseDouble(String.format(Locale.ROOT, "%.2f", x));
    }
}
