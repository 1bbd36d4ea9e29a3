package org.sparsercnn.mpi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.sparsercnn.device.Collective;
import org.sparsercnn.dist.LocalGroup;
import org.sparsercnn.io.HostTensor;
import org.sparsercnn.io.StateDict;
import org.sparsercnn.train.SplitTraining;
import org.sparsercnn.train.SplitTraining.Scenario;

/** That the ranks of a {@link SplitTraining} found what one process finds in the whole batch. */
final class Proof {
    private static final Map<Scenario, StateDict> WHOLE = new EnumMap<>(Scenario.class);

    /**
     * How far ranks may be from one process.
     *
     * @param gradients largest difference in a tensor, over the tensor's largest value
     * @param weights the same after all steps
     * @param losses relative
     */
    private record Tolerance(double gradients, double weights, double losses) {
        /** Of another order of the same sums. */
        static final Tolerance ORDER = new Tolerance(1e-5, 1e-5, 1e-4);
        /** A sum of four addends is rounded to 8 bits seven times, and may be smaller than they are. */
        static final Tolerance BF16 = new Tolerance(2e-2, 3e-4, 1e-4);

        static Tolerance of(Scenario scenario) {
            return scenario == Scenario.BF16_SUMS ? BF16 : ORDER;
        }
    }

    private Proof() {}

    /** What one process finds in the whole batch. */
    static synchronized StateDict whole(Scenario scenario) {
        return WHOLE.computeIfAbsent(scenario.plain(), s -> SplitTraining.run(s, Collective.OF_ONE));
    }

    /** Ranks that are threads of this process. */
    static List<StateDict> threads(int ranks, Scenario scenario) {
        LocalGroup group = new LocalGroup(ranks, 60);
        List<CompletableFuture<StateDict>> results = new ArrayList<>();
        for (int r = 0; r < ranks; r++) {
            Collective member = group.member(r);
            CompletableFuture<StateDict> result = new CompletableFuture<>();
            results.add(result);
            Thread.ofPlatform().start(() -> {
                try {
                    result.complete(SplitTraining.run(scenario, member));
                } catch (Throwable e) {
                    result.completeExceptionally(e);
                    group.abort();
                }
            });
        }
        return results.stream().map(CompletableFuture::join).toList();
    }

    /** To the last bit. */
    static void same(String what, StateDict got, StateDict wanted) {
        assertThat(got.tensors().keySet()).containsExactlyElementsOf(wanted.tensors().keySet());
        wanted.tensors().forEach((name, tensor) -> assertThat(Arrays.equals(got.get(name).toFloats(), tensor.toFloats())).as(what + ": " + name).isTrue());
    }

    static void check(String who, Scenario scenario, List<StateDict> ranks) {
        StateDict whole = whole(scenario);
        StateDict first = ranks.getFirst();
        ranks.forEach(other -> same(scenario + " on all of " + who, other, first));

        Tolerance tolerance = Tolerance.of(scenario);
        double gradients = worst(SplitTraining.GRADIENT, first, whole);
        double weights = worst(SplitTraining.WEIGHT, first, whole);
        double losses = losses(first.get(SplitTraining.LOSSES).toFloats(), whole.get(SplitTraining.LOSSES).toFloats());
        System.out.printf("%-13s %-32s off by: gradients %.1e, weights after %d steps %.1e, losses %.1e%n", scenario, who, gradients, SplitTraining.STEPS,
                weights, losses);
        assertThat(worst(SplitTraining.START, first, whole)).as("they start alike").isZero();
        assertThat(gradients).as(scenario + ", " + who + ": gradients").isLessThanOrEqualTo(tolerance.gradients);
        assertThat(weights).as(scenario + ", " + who + ": weights").isLessThanOrEqualTo(tolerance.weights);
        assertThat(losses).as(scenario + ", " + who + ": losses").isLessThanOrEqualTo(tolerance.losses);
        if (scenario == Scenario.BF16_SUMS) {
            assertThat(gradients).as("sums in bf16 show").isGreaterThan(1e-4);
        }
    }

    /** Otherwise agreement would say little: in {@link SplitTraining#STEPS} parameters go far beyond the tolerance, and losses fall. */
    static void checkThatItTrains(Scenario scenario) {
        StateDict whole = whole(scenario);
        List<Double> moved = new ArrayList<>();
        for (String name : whole.withoutPrefix(SplitTraining.GRADIENT).tensors().keySet()) {
            moved.add(difference(whole.get(SplitTraining.START + name), whole.get(SplitTraining.WEIGHT + name)));
        }
        moved.sort(null);
        double median = moved.get(moved.size() / 2);
        float[] losses = whole.get(SplitTraining.LOSSES).toFloats();
        System.out.printf("%-13s %-32s half the parameters move by %.1e or more; losses %.4f ... %.4f%n", scenario, "one process", median, losses[0],
                losses[losses.length - 2]);
        assertThat(median).as("way of the median parameter").isGreaterThan(20 * Tolerance.ORDER.weights);
        assertThat(losses[losses.length - 2]).as("the first batch's loss").isLessThan(0.95f * losses[0]);
    }

    private static double worst(String prefix, StateDict got, StateDict wanted) {
        return wanted.withoutPrefix(prefix).tensors().keySet().stream().mapToDouble(name -> difference(got.get(prefix + name), wanted.get(prefix + name))).max()
                .orElseThrow();
    }

    /** Largest difference, over the largest wanted value. */
    private static double difference(HostTensor got, HostTensor wanted) {
        float[] a = got.toFloats();
        float[] b = wanted.toFloats();
        double difference = 0;
        double largest = 0;
        for (int i = 0; i < b.length; i++) {
            difference = Math.max(difference, Float.isNaN(a[i]) ? Double.POSITIVE_INFINITY : Math.abs((double) a[i] - b[i]));
            largest = Math.max(largest, Math.abs(b[i]));
        }
        return difference == 0 ? 0 : difference / largest;
    }

    private static double losses(float[] got, float[] wanted) {
        return IntStream.range(0, wanted.length).mapToDouble(i -> Math.abs((double) got[i] - wanted[i]) / wanted[i]).max().orElseThrow();
    }
}
