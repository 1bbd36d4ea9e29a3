package org.sparsercnn.app;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.TestConfig.ExpectedResult;
import org.sparsercnn.util.GuardStop;

/**
 * TEST.EXPECTED_RESULTS as detectron2 verifies it: every number must be there, be finite, and lie within its tolerance. Task
 * {@code bbox} (or {@code bbox_TTA}) means every data set that has a number of that name, {@code NAME/bbox} the data set NAME alone,
 * as {@code metrics.json} writes it where there are several.
 */
final class ExpectedResults {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.eval");

    private ExpectedResults() {}

    /**
     * @param results of an evaluation; none where it was stopped or on other ranks than 0, and then nothing is verified
     * @throws GuardStop naming each number that was missed beside the expected one
     */
    static void verify(List<ExpectedResult> expected, List<Evaluation.Result> results) {
        if (expected.isEmpty() || results.isEmpty()) {
            return;
        }
        List<String> misses = new ArrayList<>();
        expected.forEach(e -> misses.addAll(misses(e, results)));
        if (!misses.isEmpty()) {
            throw new GuardStop("TEST.EXPECTED_RESULTS missed: " + String.join("; ", misses));
        }
        LOG.info("Results verification passed.");
    }

    private static List<String> misses(ExpectedResult e, List<Evaluation.Result> results) {
        List<Evaluation.Result> meant = results.stream().filter(r -> e.task().equals(r.task().label()) || e.task().equals(r.name() + "/" + r.task().label()))
                .filter(r -> r.score().percentages().containsKey(e.metric())).toList();
        if (meant.isEmpty()) {
            return List.of("there is no " + e.task() + "/" + e.metric() + "; known are " + known(results));
        }
        List<String> misses = new ArrayList<>();
        for (Evaluation.Result r : meant) {
            double found = r.score().percentages().get(e.metric());
            if (!(Math.abs(found - e.expected()) <= e.tolerance())) { // NaN misses too
                misses.add(r.task().label() + "/" + e.metric() + " on " + r.name() + " is " + (Double.isNaN(found) ? "undefined" : String.format(Locale.ROOT, "%.4f", found)) + ", expected " + e.expected() + " +- " + e.tolerance());
            }
        }
        return misses;
    }

    private static String known(List<Evaluation.Result> results) {
        return results.stream().flatMap(r -> r.score().percentages().keySet().stream().map(name -> r.task().label() + "/" + name)).distinct()
                .collect(Collectors.joining(", "));
    }
}
