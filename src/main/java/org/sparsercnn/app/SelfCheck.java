package org.sparsercnn.app;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.eval.CocoEvaluation;
import org.sparsercnn.eval.CocoOptions;
import org.sparsercnn.eval.CocoResult;
import org.sparsercnn.eval.CrowdHumanCurve;
import org.sparsercnn.eval.CrowdHumanEvaluation;
import org.sparsercnn.eval.CrowdHumanOptions;
import org.sparsercnn.eval.Detections;
import org.sparsercnn.eval.GroundTruth;
import org.sparsercnn.eval.PrecisionRecall;
import org.sparsercnn.eval.TruthFaults;
import org.sparsercnn.util.Examples;
import org.sparsercnn.util.GuardStop;

/**
 * {@code eval --self-check}: scores the ground truth of DATASETS.TEST against itself, without a model. Whatever keeps that from
 * 1.000 keeps every detector from it.
 */
public final class SelfCheck {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.eval");
    private static final int COCO_LIMIT = 100;

    private final Datasets.TestSet set;
    private final GroundTruth truth;
    private final TruthFaults faults;
    private final int threads;

    private SelfCheck(Datasets.TestSet set, int threads) {
        this.set = set;
        this.truth = set.truth();
        this.faults = new TruthFaults(truth, set.metric());
        this.threads = threads;
    }

    /**
     * Logs what it finds.
     *
     * @param strict refuse annotations that need repair
     * @throws GuardStop if a score is not 1.000 for another reason than images with more than 100 objects of a category
     */
    public static void run(Environment environment, Config config, DeviceChoice device, boolean strict) {
        List<String> failed = new ArrayList<>();
        for (Datasets.TestSet set : Datasets.forEvaluation(environment, config, strict).tests()) {
            SelfCheck check = new SelfCheck(set, device.cpuThreads());
            LOG.info("Self-check of {}, metric {}: the ground truth scored against itself", set.name(), set.metric().label());
            boolean passed = check.faults.objects() > 0 && switch (set.metric()) {
                case COCO -> check.coco();
                case CROWDHUMAN -> check.crowdHuman();
            };
            if (passed) {
                check.faults.lines().forEach(line -> LOG.warn("{}: {}", set.name(), line));
            } else {
                failed.add(check.failure());
            }
        }
        if (!failed.isEmpty()) {
            throw new GuardStop(String.join("\n", failed));
        }
        LOG.info("Self-check passed.");
    }

    /** With as many detections as there are objects the score must be 1; what the usual limit takes away is told. */
    private boolean coco() {
        int most = Math.max(faults.mostObjects(), COCO_LIMIT);
        CocoOptions options = CocoOptions.standard().withThreads(threads);
        CocoResult result = CocoEvaluation.evaluate(truth, Detections.ofTruth(truth, faults::isObject),
                most > COCO_LIMIT ? options.withMaxDetections(1, 10, COCO_LIMIT, most) : options);
        double ap = result.averagePrecisionAt(COCO_LIMIT);
        double unlimited = result.averagePrecisionAt(most);
        LOG.info("{}: AP {} with {} detections an image and category", set.name(), shown(ap), COCO_LIMIT);
        Examples crowded = faults.crowdedImages(COCO_LIMIT);
        if (crowded.count() > 0) {
            LOG.warn("{}: images with more than {} objects of a category: {}. Only {} detections of it count, so the best AP there is is {} (with {}"
                    + " detections {}). Image ids: {}", set.name(), COCO_LIMIT, crowded.count(), COCO_LIMIT, shown(ap), most, shown(unlimited), crowded);
        }
        return isOne(unlimited);
    }

    private boolean crowdHuman() {
        CrowdHumanCurve curve = CrowdHumanEvaluation.evaluate(truth, Detections.ofTruth(truth, faults::isObject), CrowdHumanOptions.standard());
        double best = 1 - 1.0 / curve.persons();
        LOG.info("{}: AP {} (of {}, the most for {} persons: the area before the first detection does not count), mMR {}, recall {}", set.name(),
                shown(curve.averagePrecision()), shown(best), curve.persons(), shown(curve.logAverageMissRate()), shown(curve.recall()));
        return isOne(curve.averagePrecision() + 1 - best) && isOne(1 - curve.logAverageMissRate()) && isOne(curve.recall());
    }

    /** As far as it is printed. */
    private static boolean isOne(double value) {
        return Math.abs(value - 1) < 5e-4;
    }

    private static String shown(double fraction) {
        return Double.isNaN(fraction) || fraction == PrecisionRecall.UNDEFINED ? "n/a" : String.format(Locale.ROOT, "%.3f", fraction);
    }

    private String failure() {
        String reason = faults.objects() == 0 ? "It has no boxes to find; check that the annotation file is the right one"
                : faults.lines().isEmpty() ? "No reason was found in the annotations: please report it with the file" : String.join("\n  ", faults.lines());
        return set.name() + ": the ground truth does not score 1.000 against itself, so no detector can. " + reason;
    }
}
