package org.sparsercnn.eval;

import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

/**
 * The published road in one call: detections ({@link DetectionCollector}, {@link ResultsJson}) are matched ({@link CocoMatcher}),
 * accumulated ({@link CocoAccumulator}) and summarised ({@link CocoSummary}). The numbers are pycocotools' and do not depend on
 * the number of threads.
 */
public final class CocoEvaluation {
    private CocoEvaluation() {}

    /** {@link #evaluate(GroundTruth, Detections, CocoOptions)} with pycocotools' options. */
    public static CocoResult evaluate(GroundTruth truth, Detections detections) {
        return evaluate(truth, detections, CocoOptions.standard());
    }

    /**
     * Measures {@code detections} against {@code truth}. Matches of a category are dropped once accumulated, so memory is
     * that of the inputs and of the categories in work.
     *
     * @throws org.sparsercnn.util.BadInput if a detection belongs to an image the ground truth does not list
     */
    public static CocoResult evaluate(GroundTruth truth, Detections detections, CocoOptions options) {
        CocoMatcher matcher = new CocoMatcher(truth, detections, options);
        CocoAccumulator accumulator = new CocoAccumulator(truth.categories(), options);
        List<Callable<Void>> categories = IntStream.range(0, truth.categories().size()).<Callable<Void>>mapToObj(category -> () -> {
            accumulator.add(matcher.match(category));
            return null;
        }).toList();
        runAll(categories, options.threads());
        return CocoResult.of(accumulator.result());
    }

    private static void runAll(List<Callable<Void>> tasks, int threads) {
        try (ExecutorService pool = Executors.newFixedThreadPool(threads, Thread.ofPlatform().daemon().name("coco-eval-", 0).factory())) {
            for (Future<Void> task : pool.invokeAll(tasks)) {
                task.get();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("evaluation was interrupted");
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        }
    }
}
