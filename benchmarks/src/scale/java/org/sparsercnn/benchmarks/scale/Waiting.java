package org.sparsercnn.benchmarks.scale;

/** How much longer than the mean the slowest of many takes. */
final class Waiting {
    private static final double REACH = 9;
    private static final double WIDTH = 1e-3;

    private Waiting() {}

    /** Expected maximum of {@code n} independent standard normal numbers: 0, 0.56, …; close to sqrt(2 ln n) for very large n. */
    static double expectedMaximum(int n) {
        if (n == 1) {
            return 0;
        }
        double expected = 0;
        double below = 0; // the distribution function
        double before = 0; // that of the maximum
        for (double x = -REACH; x < REACH; x += WIDTH) {
            double middle = x + WIDTH / 2;
            below = Math.min(1, below + WIDTH * Math.exp(-middle * middle / 2) / Math.sqrt(2 * Math.PI));
            double now = Math.pow(below, n);
            expected += middle * (now - before);
            before = now;
        }
        return expected;
    }
}
