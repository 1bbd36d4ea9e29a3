package org.sparsercnn.config;

import java.util.List;

/** {@code TEST}. */
public record TestConfig(
        @Key(name = "EVAL_PERIOD", is = "0", min = 0, doc = "Training steps between evaluations; 0: only at the end.") int evalPeriod,
        @Key(name = "EXPECTED_RESULTS", is = "[]", doc = "`[task, metric, expected, tolerance]` each, such as `['bbox', 'AP', 38.5, 0.2]`; an evaluation that misses one ends with exit code 3.") List<ExpectedResult> expectedResults,
        @Key(name = "BEST_METRIC", is = "'AP'", ours = true, doc = "Metric of the first of `DATASETS.TEST` by which the best checkpoint is kept as `model_best`; empty for none.") String bestMetric,
        @Key(name = "EARLY_STOP", is = "0", min = 0, ours = true, doc = "Evaluations in a row without a better `BEST_METRIC` after which training stops; 0: never.") int earlyStop,
        @Key(name = "VALIDATION_LOSS", is = "False", ours = true, doc = "Whether each evaluation also measures the training losses on `DATASETS.TEST`.") boolean validationLoss,
        @Key(name = "DETECTIONS_PER_IMAGE", is = "100", doc = "Most detections an image has, negative for all; counts with `TEST.AUG.ENABLED` and `TEST.AUG.CVPODS_TTA: False` only: otherwise an image has as many as `MODEL.SparseRCNN.NUM_PROPOSALS`.") int detectionsPerImage,
        @Section("AUG") Aug aug,
        @Section("PRECISE_BN") PreciseBn preciseBn) {

    /** A metric the evaluation must reach: {@code |found - expected| <= tolerance}, in percent as printed. */
    public record ExpectedResult(String task, String metric, double expected, double tolerance) {}

    /** {@code TEST.AUG}: test-time augmentation. */
    public record Aug(
            @Key(name = "ENABLED", is = "False", doc = "Whether evaluation and demo look at each image in several sizes, mirrored too, and merge what they find.") boolean enabled,
            @Key(name = "MIN_SIZES", is = "(400, 500, 600, 640, 700, 900, 1000, 1100, 1200, 1300, 1400, 1800, 800)", min = 0, doc = "Lengths the shorter side is scaled to, starting from the image as `INPUT.MIN_SIZE_TEST` made it; 0: no scaling.") List<Integer> minSizes,
            @Key(name = "MAX_SIZE", is = "4000", min = 1, doc = "The longer side stays within this.") int maxSize,
            @Key(name = "FLIP", is = "True", doc = "Whether each size is looked at mirrored, too.") boolean flip,
            @Key(name = "CVPODS_TTA", is = "True", doc = "Merge by soft voting and cut at `MODEL.SparseRCNN.NUM_PROPOSALS`; False: by NMS, with `MODEL.ROI_HEADS.NMS_THRESH_TEST` and `TEST.DETECTIONS_PER_IMAGE`.") boolean cvpodsTta,
            @Key(name = "SCALE_FILTER", is = "True", doc = "Whether each size keeps only boxes of its range in `SCALE_RANGES`; counts with `CVPODS_TTA: True`.") boolean scaleFilter,
            @Key(name = "SCALE_RANGES", is = "([96, 10000], [96, 10000], [64, 10000], [64, 10000], [64, 10000], [0, 10000], [0, 10000], [0, 256], [0, 256], [0, 192], [0, 192], [0, 96], [0, 10000])", min = 0, doc = "For each of `MIN_SIZES` the bounds, both excluded, of the root of a box's area in the scaled image.") List<ScaleRange> scaleRanges) {

        /** Whether {@code minSizes} go from {@code length} or less to {@code length} or more; 0, no scaling, is all lengths. */
        boolean spans(int length) {
            return length == 0 || minSizes.contains(0)
                    || minSizes.stream().anyMatch(size -> size <= length) && minSizes.stream().anyMatch(size -> size >= length);
        }

        /** Whether what was found is merged by NMS. */
        public boolean mergesByNms() {
            return enabled && !cvpodsTta;
        }
    }

    /** {@code TEST.PRECISE_BN}. */
    public record PreciseBn(
            @Key(name = "ENABLED", is = "False", doc = "Whether, before each evaluation, running statistics of batch norms are replaced by their mean over training batches.") boolean enabled,
            @Key(name = "NUM_ITER", is = "200", min = 1, doc = "Training batches that are averaged.") int iterations) {}

    /** Bounds of the root of a box's area, in pixels of the image it was found in. */
    public record ScaleRange(double min, double max) {}
}
