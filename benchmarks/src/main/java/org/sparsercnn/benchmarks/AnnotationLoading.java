package org.sparsercnn.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.sparsercnn.data.AnnotationStore;
import org.sparsercnn.data.SampleAnnotations;
import org.sparsercnn.util.Json;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Times the reading of an annotation file, in a JVM that has done nothing else before; its peer is pycocotools' {@code COCO(file)} in
 * {@code benchmarks/peer/bench_annotations.py}. Prints one line of JSON; {@code benchmarks/compare.py --tasks annotations} runs both.
 */
@Command(name = "AnnotationLoading", mixinStandardHelpOptions = true, description = "Times the reading of a COCO annotation file.")
public final class AnnotationLoading implements Callable<Integer> {
    @Parameters(paramLabel = "FILE")
    private Path file;

    @Option(names = "--write", description = "make the file first, of --images and --boxes")
    private boolean write;

    @Option(names = "--images", defaultValue = "118000", description = "default: ${DEFAULT-VALUE}, as in COCO's train2017")
    private int images;

    @Option(names = "--boxes", defaultValue = "860000", description = "default: ${DEFAULT-VALUE}")
    private int boxes;

    public static void main(String[] args) {
        System.exit(new CommandLine(new AnnotationLoading()).execute(args));
    }

    @Override
    public Integer call() throws IOException {
        if (write) {
            SampleAnnotations.write(file, images, boxes, 0);
            return 0;
        }
        long start = System.nanoTime();
        AnnotationStore store = AnnotationStore.read(file);
        double seconds = (System.nanoTime() - start) * 1e-9;
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("engine", "sparse-rcnn");
        line.put("file_mb", Files.size(file) / 1_000_000);
        line.put("images", store.imageCount());
        line.put("boxes", store.boxCount());
        line.put("seconds", seconds);
        line.put("cpu_s", EndToEnd.processCpuNanos() * 1e-9);
        line.put("heap_limit_mb", Runtime.getRuntime().maxMemory() / 1_000_000);
        line.put("off_heap_mb", store.byteSize() / 1_000_000.0);
        line.put("memory", store.memoryText());
        line.put("peak_resident_mb", EndToEnd.peakResidentMb());
        System.out.println(Json.MAPPER.writeValueAsString(line));
        return 0;
    }
}
