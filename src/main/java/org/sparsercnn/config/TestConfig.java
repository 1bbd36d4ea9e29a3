package org.sparsercnn.config;

import java.util.List;

/** {@code TEST}. */
public record TestConfig(
        @Key(name = "EVAL_PERIOD", is = "0", min = 0, doc = "Training steps between evaluations; 0: only at the end.") int evalPeriod,
        @Key(name = "EXPECTED_RESULTS", is = "[]", doc = "`[task, metric, expected, tolerance]` each, such as `['bbox', 'AP', 38.5, 0.2]`; an evaluation that misses one ends with exit code 3.") List<ExpectedResult> expectedResults,
        @Key(name = "BEST_METRIC", is = "'AP'", ours = true, doc = "Metric of the first of `DATASETS.TEST` by which the best checkpoint is kept as `model_best`; empty for none.") String bestMetric,
        @Key(name = "EARLY_STOP", is = "0", min = 0, ours = true, doc = "Evaluations in a row without a better `BEST_METRIC` after which training stops; 0: never.") int earlyStop,
        @Key(name = "VALIDATION_LOSS", is = "False", ours = true, doc = "Whether each evaluation also measures the training losses on `DATASETS.TEST`.") boolean validationLoss) {

    /** A metric the evaluation must reach: {@code |found - expected| <= tolerance}, in percent as printed. */
    public record ExpectedResult(String task, String metric, double expected, double tolerance) {}
}
