package org.sparsercnn.app;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.TestConfig;
import org.sparsercnn.device.Collective;
import org.sparsercnn.dist.HostData;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.train.Accumulation;
import org.sparsercnn.train.GeneralFormat;
import org.sparsercnn.train.PreciseBn;
import org.sparsercnn.train.RunMetrics;
import org.sparsercnn.train.TrainingState;

/**
 * What one rank has to do with the evaluations of a training. All ranks predict; rank 0 writes what was found, and tells whether it
 * is the best so far. The weights that are measured are the averaged ones, where an average is kept.
 */
final class Measuring {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.eval");

    private final Job job;
    private final TestConfig test;
    private final Collective group;
    private final HostData words;
    private final SparseRcnn model;
    private final TrainingState state;
    private final RunMetrics metrics;
    private final Saves saves;
    private final Optional<PreciseBn> precise;
    /** The iteration after which the model was last measured, and what was found: on rank 0 alone, and if it was not stopped. */
    private long at = Long.MIN_VALUE;
    private List<Evaluation.Result> results = List.of();

    /** @param metrics on rank 0; null on the others */
    Measuring(Job job, Collective group, SparseRcnn model, TrainingState state, RunMetrics metrics, Saves saves) {
        this.job = job;
        this.test = job.config().test();
        this.group = group;
        this.words = new HostData(model.device(), group);
        this.model = model;
        this.state = state;
        this.metrics = metrics;
        this.saves = saves;
        this.precise = test.preciseBn().enabled() ? Optional.of(new PreciseBn(model, group, Compute.of(job.config(), model.device()),
                Accumulation.of(job.config().solver(), group.size()), test.preciseBn().iterations(), i -> job.batchesApart(group.rank(), i)))
                : Optional.empty();
    }

    /** TEST.PRECISE_BN: batch norm statistics of the weights that will be measured. */
    void refreshStatistics(long iteration) {
        if (precise.isPresent()) {
            try (var _ = state.averaged()) {
                precise.get().update(iteration);
            }
        }
    }

    /** @param iteration the last one done */
    void measure(long iteration) {
        Map<String, Map<String, Double>> losses = Map.of();
        try (var _ = state.averaged()) {
            results = job.evaluation().run(model, group);
            if (test.validationLoss()) {
                losses = job.evaluation().losses(model, group);
            }
        }
        at = iteration;
        if (metrics != null && !results.isEmpty()) {
            results.forEach(r -> write(iteration, r.name(), r.task().label() + "/", r.score().percentages()));
            losses.forEach((set, found) -> {
                LOG.info("Losses on {}: {}", set, found.entrySet().stream().map(e -> e.getKey() + ": " + GeneralFormat.of(e.getValue(), 4))
                        .collect(Collectors.joining("  ")));
                write(iteration, set, "", found);
            });
        }
        if (test.evalPeriod() > 0 && iteration >= 0) { // the only evaluation is always the best
            if (!results.isEmpty()) {
                Evaluation.Result first = results.getFirst();
                Map<String, Double> values = new LinkedHashMap<>(first.score().percentages());
                values.putAll(losses.getOrDefault(first.name(), Map.of()));
                boolean lower = test.bestMetric().startsWith(BestScore.LOSSES) || first.score().lowerIsBetter(test.bestMetric());
                group.alone(() -> job.best().add(iteration, values, lower, () -> saves.best(iteration)));
            }
            job.best().follow(words.share(new byte[] {(byte) (job.best().stop() ? 1 : 0)}, 0)[0] == 1); // before they ask for it
        }
    }

    /** Under detectron2's names: with that of the data set where there are several. */
    private void write(long iteration, String set, String prefix, Map<String, Double> numbers) {
        String all = (job.config().datasets().test().size() > 1 ? set + "/" : "") + prefix;
        Map<String, Double> scalars = new LinkedHashMap<>();
        numbers.forEach((name, value) -> scalars.put(all + name, value));
        metrics.write(iteration, scalars);
    }

    /** Whether the model was measured after {@code iteration}, and not since. */
    boolean isDone(long iteration) {
        return at == iteration;
    }

    /** What was found last: one for each data set on rank 0, none elsewhere or if the evaluation was stopped. */
    List<Evaluation.Result> results() {
        return results;
    }

    /** Shows the model that was measured last, and what was found. */
    void show(Training.Evaluated viewer) {
        try (var _ = state.averaged()) {
            results.forEach(r -> viewer.accept(model, r.set().images(), r.score()));
        }
    }

    /** "AP 38.5": the first number of the first data set; empty before the first evaluation. */
    String lastScore() {
        return results.isEmpty() ? "" : results.getFirst().score().percentages().entrySet().stream().findFirst()
                .map(e -> e.getKey() + " " + (Double.isNaN(e.getValue()) ? "n/a" : String.format(Locale.ROOT, "%.1f", e.getValue()))).orElse("");
    }
}
