package org.sparsercnn.benchmarks.scale;

import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.sparsercnn.util.BadInput;

/** How long a sum over all GPUs takes. */
@FunctionalInterface
interface AllReduce {
    /** A sum of {@code bytes} on each of {@code gpus}; 0 with one. */
    double seconds(double bytes, int gpus);

    /**
     * Rings: 2 (n - 1) steps, in each of which every GPU sends 1/n of the bytes.
     *
     * @param bytesPerSecond bus bandwidth as nccl-tests define it: what every link of the ring carries
     */
    static double ring(double bytes, int n, double bytesPerSecond, double hopSeconds) {
        return n == 1 ? 0 : 2.0 * (n - 1) / n * bytes / bytesPerSecond + 2 * (n - 1) * hopSeconds;
    }

    /** Trees: up and down again, log2 n hops each; the bytes pass every link twice. */
    static double tree(double bytes, int n, double bytesPerSecond, double hopSeconds) {
        return n == 1 ? 0 : 2 * bytes / bytesPerSecond + 2 * Math.ceil(Math.log(n) / Math.log(2)) * hopSeconds;
    }

    /** The quicker of the two, as NCCL chooses. */
    static double best(double bytes, int n, double bytesPerSecond, double hopSeconds) {
        return Math.min(ring(bytes, n, bytesPerSecond, hopSeconds), tree(bytes, n, bytesPerSecond, hopSeconds));
    }

    /**
     * Between measured points along straight lines, beyond the last one at its rate; for as many processes as were measured.
     *
     * @param points bytes to seconds
     */
    static AllReduce measured(Map<Double, Double> points) {
        if (points.isEmpty()) {
            throw BadInput.of("--points: none; give bytes:seconds of measured sums, such as 4096:5e-6,1e6:1.8e-4");
        }
        NavigableMap<Double, Double> sorted = new TreeMap<>(points);
        return (bytes, gpus) -> {
            if (gpus == 1) {
                return 0;
            }
            var below = sorted.floorEntry(bytes);
            var above = sorted.ceilingEntry(bytes);
            if (below == null) {
                return above.getValue();
            } else if (above == null) {
                return below.getValue() * bytes / below.getKey();
            } else if (below.getKey().equals(above.getKey())) {
                return below.getValue();
            }
            double part = (bytes - below.getKey()) / (above.getKey() - below.getKey());
            return below.getValue() + part * (above.getValue() - below.getValue());
        };
    }
}
