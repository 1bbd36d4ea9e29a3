package org.sparsercnn.benchmarks.scale;

import java.util.ArrayList;
import java.util.List;

/**
 * Data-parallel training: every GPU has the whole model and its own images, gradients are summed in buckets in the order in which
 * backward completes them, one bucket after the other on the link. Backward spends its time as its multiplications are spread over
 * the groups of layers, and completes a group's gradients evenly over the group's time.
 *
 * @param batch images of a GPU
 * @param imageSeconds forward and backward of one image
 * @param fixedSeconds of a step whatever its batch: the update
 * @param bucketBytes of gradients, the last bucket may have less
 * @param valueBytes of a gradient on the link: 4 for fp32, 2 for bf16
 * @param jitter standard deviation of a GPU's step, in parts of the step
 */
record Plan(Layers layers, int batch, double imageSeconds, double fixedSeconds, long bucketBytes, int valueBytes, double jitter,
            AllReduce link) {
    /** When backward has completed so many bytes, both counted from its beginning. */
    private record Done(double seconds, double bytes) {}

    Plan withBatch(int images) {
        return new Plan(layers, images, imageSeconds, fixedSeconds, bucketBytes, valueBytes, jitter, link);
    }

    Plan withLink(AllReduce other) {
        return new Plan(layers, batch, imageSeconds, fixedSeconds, bucketBytes, valueBytes, jitter, other);
    }

    Plan withValues(int bytes) {
        return new Plan(layers, batch, imageSeconds, fixedSeconds, bucketBytes, bytes, jitter, link);
    }

    Plan withBuckets(long bytes) {
        return new Plan(layers, batch, imageSeconds, fixedSeconds, bytes, valueBytes, jitter, link);
    }

    Plan withImageSeconds(double seconds) {
        return new Plan(layers, batch, seconds, fixedSeconds, bucketBytes, valueBytes, jitter, link);
    }

    Plan withLayers(Layers other) {
        return new Plan(other, batch, imageSeconds, fixedSeconds, bucketBytes, valueBytes, jitter, link);
    }

    double gradientBytes() {
        return (double) layers.trained() * valueBytes;
    }

    double backwardSeconds() {
        return batch * imageSeconds * layers.backward() / (layers.forward() + layers.backward());
    }

    Step step(int gpus, boolean overlap) {
        double compute = batch * imageSeconds + fixedSeconds;
        double sums = 0;
        double end = 0; // of the last sum, after backward's beginning
        for (Done ready : buckets()) {
            double sum = link.seconds(ready.bytes, gpus);
            sums += sum;
            end = Math.max(end, ready.seconds) + sum;
        }
        double exposed = gpus == 1 ? 0 : overlap ? Math.max(0, end - backwardSeconds()) : sums;
        return new Step(compute, compute * jitter * Waiting.expectedMaximum(gpus), sums, exposed);
    }

    /** Of the images per second that so many GPUs would have if they never waited for each other. */
    double efficiency(int gpus, boolean overlap) {
        return step(1, overlap).seconds() / step(gpus, overlap).seconds();
    }

    double imagesPerSecond(int gpus, boolean overlap) {
        return gpus * batch / step(gpus, overlap).seconds();
    }

    /** When each bucket is complete, and its bytes. */
    private List<Done> buckets() {
        List<Done> buckets = new ArrayList<>();
        double all = gradientBytes();
        for (double sent = 0; sent < all; sent += bucketBytes) {
            double bytes = Math.min(bucketBytes, all - sent);
            buckets.add(new Done(completed(sent + bytes), bytes));
        }
        return buckets;
    }

    /** Seconds after backward's beginning at which so many bytes are complete. */
    private double completed(double bytes) {
        double perMultiplication = layers.backward() == 0 ? 0 : backwardSeconds() / layers.backward();
        double seconds = 0;
        double done = 0;
        for (Layers.Group group : layers.groups().reversed()) {
            double own = (double) group.trained() * valueBytes;
            double time = group.backward() * perMultiplication;
            if (own > 0 && done + own >= bytes) {
                return seconds + time * (bytes - done) / own;
            }
            done += own;
            seconds += time;
        }
        return seconds;
    }
}
