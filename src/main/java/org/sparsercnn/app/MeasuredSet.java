package org.sparsercnn.app;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.IntFunction;
import org.sparsercnn.data.Metric;
import org.sparsercnn.eval.Analysis;
import org.sparsercnn.eval.Detections;
import org.sparsercnn.eval.GroundTruth;
import org.sparsercnn.eval.ResultsJson;
import org.sparsercnn.eval.Score;
import org.sparsercnn.viz.report.SetData;

/**
 * Results on a data set that a report is to be made of.
 *
 * @param name of the data set
 * @param task what was measured, as in metrics.json
 * @param prefix of its numbers there
 * @param files index of an image to its file; empty if it is not known where the pictures are
 * @param results in COCO's format, whoever wrote them
 * @param score if it is known already
 */
record MeasuredSet(String name, String task, String prefix, GroundTruth truth, Metric metric, Optional<IntFunction<Path>> files, Path results,
        Optional<Score> score) {

    /** What {@code eval} or the end of a training brought. */
    static MeasuredSet of(Evaluation.Result result, RunFolder folder, boolean several) {
        Datasets.TestSet set = result.set();
        IntFunction<Path> files = i -> set.images().images().get(i).file();
        return new MeasuredSet(set.name(), result.task().label(), prefix(result.task(), set.name(), several), set.truth(), set.metric(),
                Optional.of(files), folder.inference(result.task(), set.name()).resolve(ResultsJson.FILE_NAME), Optional.of(result.score()));
    }

    static String prefix(EvaluationTask task, String set, boolean several) {
        return (several ? set + "/" : "") + task.label() + "/";
    }

    /**
     * Reads the results and says everything there is to say of them.
     *
     * @param page the folder of the page, from which pictures are linked
     * @param shots how many images are shown of the worst and of the best; 0 for none
     * @throws org.sparsercnn.util.BadInput if the results cannot be read or are of other images
     */
    SetData read(Path page, int shots) {
        Detections detections = ResultsJson.read(results);
        Score known = score.orElseGet(() -> Score.of(metric, truth, detections, Runtime.getRuntime().availableProcessors()));
        Analysis analysis = Analysis.of(truth, detections, metric);
        return new SetData(name, task, prefix, known, analysis, EvaluationTiming.of(results.resolveSibling(EvaluationTiming.FILE)),
                new GalleryShots(truth, detections, analysis, files, page).of(shots));
    }
}
