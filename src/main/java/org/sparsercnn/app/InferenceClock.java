package org.sparsercnn.app;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.sparsercnn.train.MetricsLog;

/**
 * Where one rank's time goes while it predicts over its images, in the lines of detectron2's inference_on_dataset. As there,
 * the first five images, which compile and allocate, do not count once there are more.
 */
final class InferenceClock {
    private static final int WARMUP = 5;
    private static final long LINE_NANOS = 5_000_000_000L;
    /** An image that takes so long is reported from the first on. */
    private static final double SLOW_SECONDS = 5;

    private final int images;
    private final int devices;
    private final int warmup;
    private final LongSupplier nanos;
    private long begin;
    private long last;
    private long lastLine;
    private int done;
    private double data;
    private double compute;
    private double network;
    private double eval;

    /**
     * @param images that this rank will do
     * @param devices ranks
     * @param nanos a clock, begun
     */
    InferenceClock(int images, int devices, LongSupplier nanos) {
        this.images = images;
        this.devices = devices;
        this.warmup = Math.max(0, Math.min(WARMUP, images - 1));
        this.nanos = nanos;
        this.begin = nanos.getAsLong();
        this.last = begin;
        this.lastLine = begin - LINE_NANOS;
    }

    /** The next image is here. */
    void loaded() {
        if (done == warmup) {
            begin = last;
            data = 0;
            compute = 0;
            network = 0;
            eval = 0;
        }
        data += lap();
    }

    /** Its objects are found; {@code forwardSeconds} of that time were the network's. */
    void computed(double forwardSeconds) {
        compute += lap();
        network += forwardSeconds;
    }

    /** They are stored. Gives a line now and then. */
    Optional<String> stored() {
        eval += lap();
        done++;
        if ((done > 2 * warmup || compute / counted() > SLOW_SECONDS) && last - lastLine >= LINE_NANOS) {
            lastLine = last;
            double each = total() / counted();
            return Optional.of(String.format(Locale.ROOT, "Inference done %d/%d. Dataloading: %.4f s/iter. Inference: %.4f s/iter. Eval: %.4f s/iter."
                    + " Total: %.4f s/iter. ETA=%s", done, images, data / counted(), compute / counted(), eval / counted(), each,
                    MetricsLog.clock((long) (each * (images - done)))));
        }
        return Optional.empty();
    }

    /** Two lines at the end, which detectron2's scripts look for; beyond them, how the time for computing divides. */
    String summary() {
        double total = total();
        String exact = MetricsLog.clock((long) total) + String.format(Locale.ROOT, ".%06d", Duration.ofNanos((long) (total * 1e9)).toNanosPart() / 1000);
        return String.format(Locale.ROOT, "Total inference time: %s (%.6f s / iter per device, on %d devices)\n"
                + "Total inference pure compute time: %s (%.6f s / iter per device, on %d devices; network %.6f, boxes %.6f)", exact, total / counted(),
                devices, MetricsLog.clock((long) compute), compute / counted(), devices, network / counted(), (compute - network) / counted());
    }

    /** Seconds an image by what they were spent on, for a file. */
    Map<String, Double> secondsByStage() {
        Map<String, Double> stages = new LinkedHashMap<>();
        stages.put("waiting for the image", data / counted());
        stages.put("network", network / counted());
        stages.put("choosing boxes", (compute - network) / counted());
        stages.put("storing", eval / counted());
        return stages;
    }

    private int counted() {
        return Math.max(1, done > warmup ? done - warmup : done);
    }

    private double total() {
        return (last - begin) * 1e-9;
    }

    private double lap() {
        long now = nanos.getAsLong();
        double seconds = (now - last) * 1e-9;
        last = now;
        return seconds;
    }
}
