package org.sparsercnn.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.sparsercnn.eval.CocoEvaluation;
import org.sparsercnn.eval.CocoOptions;
import org.sparsercnn.eval.CocoResult;
import org.sparsercnn.eval.Detections;
import org.sparsercnn.eval.GroundTruth;
import org.sparsercnn.eval.ResultsJson;
import org.sparsercnn.eval.SampleEvaluation;

/** COCO evaluation of the size of val2017: 5,000 images, 100 detections each, 80 classes. Reading the JSON is timed apart. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 1)
@Measurement(iterations = 3)
@Fork(1)
public class CocoEvaluationBenchmark {
    @Param({"1", "2"})
    public int threads;

    private Path folder;
    private GroundTruth truth;
    private Detections detections;

    @Setup
    public void write() throws IOException {
        folder = Files.createTempDirectory("coco-eval");
        SampleEvaluation.write(folder, 5000, 100, 80, 0);
        truth = GroundTruth.read(folder.resolve("gt.json"));
        detections = ResultsJson.read(folder.resolve("dt.json"));
    }

    @TearDown
    public void delete() throws IOException {
        Files.delete(folder.resolve("gt.json"));
        Files.delete(folder.resolve("dt.json"));
        Files.delete(folder);
    }

    @Benchmark
    public int read() {
        return GroundTruth.read(folder.resolve("gt.json")).annotations().imageCount() + ResultsJson.read(folder.resolve("dt.json")).count();
    }

    @Benchmark
    public CocoResult evaluate() {
        return CocoEvaluation.evaluate(truth, detections, CocoOptions.standard().withThreads(threads));
    }
}
