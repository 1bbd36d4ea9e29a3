package org.sparsercnn.app;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.config.SolverConfig;
import org.sparsercnn.config.TestConfig;
import org.sparsercnn.train.GeneralFormat;

/** What is ahead of a run, told before its first step: batch, learning rate and where it came from, length, what is saved when. */
final class Outlook {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");
    /** Of the published configs. */
    private static final int PUBLISHED_BATCH = 16;
    private static final double PUBLISHED_LR = 2.5e-5;

    private final Config given;
    private final Config config;
    private final int replicas;
    private final String length;
    private final int images;
    private final List<String> tests;
    private final long start;

    /**
     * @param given the config as files and overrides have it
     * @param config the same scaled for this run
     * @param length of the whole run, in words
     * @param images in an epoch
     * @param tests names of the data sets to measure on
     * @param start first iteration
     */
    Outlook(Config given, Config config, int replicas, String length, int images, List<String> tests, long start) {
        this.given = given;
        this.config = config;
        this.replicas = replicas;
        this.length = length;
        this.images = images;
        this.tests = tests;
        this.start = start;
    }

    void log() {
        LOG.info("Training:\n{}", this);
        hint().ifPresent(LOG::warn);
    }

    /** For those who take the published config to a smaller machine: the commonest way to a run that diverges. */
    Optional<String> hint() {
        SolverConfig solver = config.solver();
        int batch = solver.imsPerBatch();
        if (batch == PUBLISHED_BATCH || !solver.lrScaling().equals("none") || solver.baseLr() != PUBLISHED_LR) {
            return Optional.empty();
        }
        double ratio = (double) batch / PUBLISHED_BATCH;
        return Optional.of("SOLVER.BASE_LR %s is the published one, for %d images a step; this run has %d. SOLVER.LR_SCALING linear would make it %s, sqrt %s.%s"
                .formatted(number(PUBLISHED_LR), PUBLISHED_BATCH, batch, number(PUBLISHED_LR * ratio), number(PUBLISHED_LR * Math.sqrt(ratio)),
                        batch > PUBLISHED_BATCH ? "" : " Or keep the batch: SOLVER.IMS_PER_BATCH %d with SOLVER.ACCUMULATION_STEPS %d needs no more memory."
                                .formatted(PUBLISHED_BATCH, Math.ceilDiv(PUBLISHED_BATCH, batch) * config.solver().accumulationSteps())));
    }

    /** Five lines. */
    @Override
    public String toString() {
        return String.join("\n", "  batch      " + batch(), "  lr         " + lr(), "  schedule   " + schedule(), "  length     " + length(),
                "  saved      " + saved());
    }

    private String batch() {
        int batch = config.solver().imsPerBatch();
        int parts = config.solver().accumulationSteps();
        List<String> factors = new ArrayList<>();
        if (replicas > 1) {
            factors.add(replicas + " replicas");
        }
        if (parts > 1) {
            factors.add(parts + " parts");
        }
        int each = batch / replicas;
        factors.add((each % parts == 0 ? "" : "up to ") + images((each + parts - 1) / parts));
        return images(batch) + " a step" + (factors.size() > 1 ? " = " + String.join(" x ", factors) : "");
    }

    private static String images(int n) {
        return n + (n == 1 ? " image" : " images");
    }

    private String lr() {
        SolverConfig solver = config.solver();
        SolverConfig before = given.solver();
        List<String> factors = new ArrayList<>();
        if (before.referenceWorldSize() != 0 && before.referenceWorldSize() != replicas) {
            factors.add(replicas + "/" + before.referenceWorldSize() + " (SOLVER.REFERENCE_WORLD_SIZE, with batch and steps)");
        }
        int reference = given.scaledTo(replicas).solver().referenceBatch();
        if (!before.lrScaling().equals("none") && reference != solver.imsPerBatch()) {
            String ratio = solver.imsPerBatch() + "/" + reference;
            factors.add((before.lrScaling().equals("sqrt") ? "sqrt(" + ratio + ")" : ratio) + " (SOLVER.LR_SCALING " + before.lrScaling() + ")");
        }
        return number(solver.baseLr()) + (factors.isEmpty() ? "" : " = SOLVER.BASE_LR " + number(before.baseLr()) + " x " + String.join(" x ", factors))
                + (solver.backboneMultiplier() == 1 ? "" : ", backbone " + number(solver.baseLr() * solver.backboneMultiplier()))
                + ", " + solver.optimizer();
    }

    private String schedule() {
        SolverConfig solver = config.solver();
        String warmup = solver.warmupIters() == 0 ? "" : "warm-up of " + solver.warmupIters() + " iterations from "
                + number(solver.baseLr() * solver.warmupFactor()) + (hasEnd() && solver.warmupIters() >= solver.maxIter()
                        ? ", which the run does not reach the end of; " : ", ");
        if (solver.lrSchedulerName().equals("WarmupCosineLR")) {
            return warmup + "then a cosine to 0";
        }
        List<Integer> steps = solver.steps().stream().filter(step -> step < solver.maxIter()).toList();
        return warmup + (steps.isEmpty() ? "then constant" : "x " + number(solver.gamma()) + " at "
                + steps.stream().map(String::valueOf).collect(Collectors.joining(", ")));
    }

    private String length() {
        double epoch = (double) images / config.solver().imsPerBatch();
        String epochs = String.format(Locale.ROOT, "%,d images, an epoch is %.1f iterations", images, epoch);
        String from = start == 0 ? "" : " from " + start;
        return hasEnd() ? length + from + String.format(Locale.ROOT, " = %.1f epochs (%s)", config.solver().maxIter() / epoch, epochs)
                : length + from + " (" + epochs + ")";
    }

    private String saved() {
        SolverConfig solver = config.solver();
        TestConfig test = config.test();
        String kept = solver.keepCheckpoints() == 0 ? "" : ", the newest " + solver.keepCheckpoints() + " kept";
        String sets = String.join(", ", tests);
        String measured = sets.isEmpty() ? "no evaluation: DATASETS.TEST is empty"
                : test.evalPeriod() == 0 ? "evaluation on " + sets + " at the end"
                : "evaluation on " + sets + " every " + test.evalPeriod() + toCome(test.evalPeriod())
                        + (test.bestMetric().isEmpty() ? "" : ", best by " + test.bestMetric())
                        + (test.earlyStop() == 0 ? "" : ", stop after " + test.earlyStop() + " without a better one");
        return "checkpoint every " + solver.checkpointPeriod() + " iterations" + toCome(solver.checkpointPeriod()) + kept + "; " + measured;
    }

    /** With the one at the end. */
    private String toCome(int period) {
        int end = config.solver().maxIter();
        return hasEnd() ? " (" + (Math.max(0, (end - 1) / period - start / period) + 1) + " to come)" : "";
    }

    /** A run by the clock has none that is known. */
    private boolean hasEnd() {
        return length.endsWith("iterations");
    }

    private static String number(double value) {
        return GeneralFormat.of(value, 5);
    }
}
