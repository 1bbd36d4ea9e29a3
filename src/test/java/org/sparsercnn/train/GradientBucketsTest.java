package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Pointer;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.dist.LocalGroup;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.op.Add;
import org.sparsercnn.op.Scale;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.GoldenWeights;

/** Gradients summed in buckets, beside each rank's own added up here. */
class GradientBucketsTest {
    /** Without losses of the first stages nothing leads to their classes. */
    private static final GoldenWeights TINY = GoldenWeights.load("model_tiny");
    private static final Config CONFIG = TINY.config().with("MODEL.SparseRCNN.DEEP_SUPERVISION", "False");
    private static final String UNREACHED = "head.head_series.0.class_logits.weight";
    private static final int IMAGES = 3;
    private static final int STEPS = 3;

    /** A group in which gradients stay each rank's own. */
    private record OwnGradients(Collective group) implements Collective {
        @Override
        public int rank() {
            return group.rank();
        }

        @Override
        public int size() {
            return group.size();
        }

        @Override
        public void allReduceSum(Pointer values, long count, DType type) {
            group.allReduceSum(values, count, type);
        }

        @Override
        public Pending startAllReduceSum(Pointer values, long count, DType type) {
            return () -> {};
        }

        @Override
        public void broadcast(Pointer values, long bytes, int root) {
            group.broadcast(values, bytes, root);
        }

        @Override
        public void barrier() {
            group.barrier();
        }
    }

    private interface Work<T> {
        T of(Collective member);
    }

    private static <T> List<T> onRanks(int ranks, Work<T> work) {
        LocalGroup group = new LocalGroup(ranks, 60);
        List<CompletableFuture<T>> results = new ArrayList<>();
        for (int r = 0; r < ranks; r++) {
            Collective member = group.member(r);
            CompletableFuture<T> result = new CompletableFuture<>();
            results.add(result);
            Thread.ofPlatform().start(() -> {
                try {
                    result.complete(work.of(member));
                } catch (Throwable e) {
                    result.completeExceptionally(e);
                    group.abort();
                }
            });
        }
        return results.stream().map(CompletableFuture::join).toList();
    }

    /** Gradients after each of some steps, whose weights stay as they are. */
    private static List<Map<String, float[]>> gradients(Collective group, int parts, Reduction reduction) {
        List<Map<String, float[]>> steps = new ArrayList<>();
        try (Device device = new CpuDevice(1, -1)) {
            try (SparseRcnn model = new SparseRcnn(device, CONFIG.model()); TrainingState state = new TrainingState(model, CONFIG, new Rng(1));
                    TrainingStep step = new TrainingStep(model, state, group, DType.F32, new Accumulation(parts), reduction)) {
                TINY.fill(model);
                for (int i = 0; i < STEPS; i++) {
                    List<Sample> batch = FixedBatches.batch(10 * i + group.rank(), IMAGES, 64, 64, 5);
                    try (Scope scope = new Scope(device)) {
                        step.gradients(scope, batch, batch.stream().mapToInt(s -> s.classes().length).sum(), false);
                    }
                    Map<String, float[]> found = new HashMap<>();
                    for (Parameter p : model.parameters().trainable()) {
                        found.put(p.name(), p.variable().grad().toFloats());
                    }
                    steps.add(found);
                    model.parameters().clearGradients();
                }
            }
            assertThat(device.memory().inUse()).isZero();
        }
        return steps;
    }

    /** In rank order, in fp32. */
    private static Map<String, float[]> sum(List<Map<String, float[]>> ranks) {
        Map<String, float[]> sums = new HashMap<>();
        ranks.forEach(rank -> rank.forEach((name, own) -> sums.merge(name, own.clone(), (sum, next) -> {
            for (int i = 0; i < sum.length; i++) {
                sum[i] += next[i];
            }
            return sum;
        })));
        return sums;
    }

    static Stream<Arguments> cases() {
        return Stream.of(2, 4).flatMap(ranks -> Stream.of(1, 3).map(parts -> Arguments.of(ranks, parts)));
    }

    /** Buckets of one gradient each, of some, and one of all. */
    @ParameterizedTest(name = "{0} ranks, {1} parts")
    @MethodSource("cases")
    void sums_in_buckets_are_those_of_each_gradient(int ranks, int parts) {
        List<List<Map<String, float[]>>> own = onRanks(ranks, member -> gradients(new OwnGradients(member), parts, Reduction.DEFAULT));
        assertThat(own.getFirst().getFirst().get(UNREACHED)).containsOnly(0);
        for (long bucket : new long[] {1, 40 << 10, 1 << 30}) {
            List<List<Map<String, float[]>>> got = onRanks(ranks, member -> gradients(member, parts, new Reduction(bucket, DType.F32)));
            for (int i = 0; i < STEPS; i++) {
                int step = i;
                Map<String, float[]> wanted = sum(own.stream().map(steps -> steps.get(step)).toList());
                for (int r = 0; r < ranks; r++) {
                    String where = "buckets of " + bucket + " bytes, step " + step + ", rank " + r + ", ";
                    got.get(r).get(step).forEach((name, sum) -> assertThat(sum).as(where + name).isEqualTo(wanted.get(name)));
                }
            }
        }
    }

    @Test
    void sums_in_bf16_are_near_and_the_same_on_all_ranks() {
        List<List<Map<String, float[]>>> exact = onRanks(2, member -> gradients(member, 1, Reduction.DEFAULT));
        List<List<Map<String, float[]>>> rounded = onRanks(2, member -> gradients(member, 1, new Reduction(40 << 10, DType.BF16)));
        List<Map<String, float[]>> own = onRanks(2, member -> gradients(new OwnGradients(member), 1, Reduction.DEFAULT)).stream().map(List::getLast).toList();
        Map<String, float[]> got = rounded.getFirst().getLast();
        assertThat(got).isNotEqualTo(exact.getFirst().getLast());
        exact.getFirst().getLast().forEach((name, sum) -> {
            assertThat(rounded.getLast().getLast().get(name)).as(name + " on both").isEqualTo(got.get(name));
            for (int i = 0; i < sum.length; i++) { // each addend and their sum are rounded to 8 bits
                double size = Math.abs(own.getFirst().get(name)[i]) + Math.abs(own.getLast().get(name)[i]) + Math.abs(got.get(name)[i]);
                assertThat((double) got.get(name)[i]).as(name).isCloseTo(sum[i], within(0x1p-8 * size + Float.MIN_NORMAL));
            }
        });
    }

    /** The ranks' orders differ; rank 0's holds for both. */
    @Test
    void ranks_begin_the_same_sums_whatever_order_each_completes_gradients_in() {
        List<List<Float>> found = onRanks(2, member -> {
            List<Float> sums = new ArrayList<>();
            try (Device device = new CpuDevice(1, -1); Scope scope = new Scope(device)) {
                List<Variable> leaves = IntStream.range(0, 4).mapToObj(i -> Variable.leaf(scope.hold(Tensor.of(device, new float[] {i}, 1)))).toList();
                try (GradientBuckets buckets = new GradientBuckets(device, leaves, member, new Reduction(1, DType.F32))) {
                    List<Variable> order = member.rank() == 0 ? leaves : leaves.reversed();
                    for (int step = 0; step < 2; step++) {
                        for (Variable leaf : order) {
                            try (Tape tape = Tape.training(device, new Rng(1))) {
                                Variable y = Scale.apply(tape, leaf, leaf.value().item() + 10 * member.rank());
                                tape.backward(List.of(y), List.of(tape.floats(new float[] {1}, 1)), (a, b) -> Add.sum(tape, a, b), buckets::ready);
                            }
                        }
                        buckets.finish();
                        leaves.forEach(leaf -> sums.add(leaf.grad().item()));
                        leaves.forEach(Variable::clearGradient);
                    }
                    assertThat(buckets.exposed().seconds()).isPositive();
                }
            }
            return sums;
        });
        assertThat(found).allSatisfy(sums -> assertThat(sums).containsExactly(10f, 12f, 14f, 16f, 10f, 12f, 14f, 16f));
    }
}
