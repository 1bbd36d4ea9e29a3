package org.sparsercnn.web;

import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;

/** Counts observations in buckets, as Prometheus wants them. */
final class Histogram {
    private final double[] bounds;
    private final LongAdder[] counts;
    private final DoubleAdder sum = new DoubleAdder();

    /** @param bounds upper ends of the buckets, ascending; one more follows for what is above them */
    Histogram(double... bounds) {
        this.bounds = bounds.clone();
        this.counts = IntStream.rangeClosed(0, bounds.length).mapToObj(_ -> new LongAdder()).toArray(LongAdder[]::new);
    }

    void observe(double value) {
        int bucket = 0;
        while (bucket < bounds.length && value > bounds[bucket]) {
            bucket++;
        }
        counts[bucket].increment();
        sum.add(value);
    }

    /** @param labels {@code stage="total"}, or empty */
    void write(MetricsText text, String name, String labels) {
        String before = labels.isEmpty() ? "" : labels + ",";
        long below = 0;
        for (int i = 0; i < counts.length; i++) {
            below += counts[i].sum();
            text.sample(name + "_bucket", before + "le=\"" + (i < bounds.length ? MetricsText.number(bounds[i]) : "+Inf") + "\"", below);
        }
        text.sample(name + "_sum", labels, sum.sum());
        text.sample(name + "_count", labels, below);
    }
}
