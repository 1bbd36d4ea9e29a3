package org.sparsercnn.benchmarks.scale;

/**
 * Where a training step's time goes.
 *
 * @param compute forward, backward and update of one GPU, on average
 * @param waiting for the slowest GPU
 * @param sums on the link, hidden or not
 * @param exposed what of them is not hidden behind backward
 */
record Step(double compute, double waiting, double sums, double exposed) {
    double seconds() {
        return compute + waiting + exposed;
    }
}
