package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.dist.LocalGroup;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.testing.GoldenWeights;
import org.sparsercnn.util.BadInput;

/** A step in parts is the step in one go. The recorded tiny model: frozen batch norm, gradients far from rounding noise. */
class AccumulationTest {
    private static final GoldenWeights TINY = GoldenWeights.load("model_tiny");
    private static final int STEPS = 6;

    /** What some steps left. */
    private record Trained(List<StepResult> results, Map<String, float[]> weights, long peak) {}

    /** Five images of four sizes, some without objects. */
    private static List<Sample> batch(int index) {
        List<Sample> batch = new ArrayList<>();
        int[][] sizes = {{96, 128}, {64, 64}, {128, 96}, {64, 64}, {96, 96}};
        for (int i = 0; i < sizes.length; i++) {
            Sample s = FixedBatches.batch(10 * index + i, 1, sizes[i][0], sizes[i][1], 5).getFirst();
            batch.add(i == 3 ? new Sample(s.imageId(), s.file(), s.original(), s.image(), new float[0], new int[0], List.of()) : s);
        }
        return batch;
    }

    private static Trained train(Config config, int parts, int threads, Collective group, int from, int to) {
        try (Device device = new CpuDevice(threads, -1); SparseRcnn model = new SparseRcnn(device, config.model());
                TrainingState state = new TrainingState(model, config, new Rng(1))) {
            TINY.fill(model);
            TrainingStep step = new TrainingStep(model, state, group, DType.F32, new Accumulation(parts));
            List<StepResult> results = new ArrayList<>();
            for (int i = 0; i < STEPS; i++) {
                results.add(step.run(batch(i % 2).subList(from, to), 1e-3).await());
            }
            assertThat(state.optimizer().state().get("step").toLongs()).as("updates").containsExactly(STEPS);
            Map<String, float[]> weights = new HashMap<>();
            model.parameters().all().forEach(p -> weights.put(p.name(), p.published()));
            return new Trained(results, weights, device.memory().peak());
        }
    }

    private static Trained train(Config config, int parts) {
        return train(config, parts, 2, LocalGroup.alone(), 0, 5);
    }

    private static long trainedValues() {
        try (Device device = new CpuDevice(1, -1); SparseRcnn model = new SparseRcnn(device, TINY.config().model())) {
            return model.parameters().trainable().stream().mapToLong(p -> p.value().elements()).sum();
        }
    }

    private static Config config(boolean focal) {
        return TINY.config().with("SOLVER.OPTIMIZER", "SGD", "MODEL.SparseRCNN.USE_FOCAL", focal ? "True" : "False",
                "SOLVER.CLIP_GRADIENTS.ENABLED", "True", "SOLVER.CLIP_GRADIENTS.CLIP_TYPE", "full_model");
    }

    /** The first step to rounding; then rounding turns a ReLU here and there, which gradients show more than losses. */
    private static void same(Trained got, Trained whole) {
        for (int i = 0; i < STEPS; i++) {
            int step = i;
            StepResult a = got.results.get(i);
            StepResult b = whole.results.get(i);
            assertThat(a.losses().keySet()).isEqualTo(b.losses().keySet());
            b.losses().forEach((name, term) -> assertThat((double) a.losses().get(name)).as(name).isCloseTo(term, within((step == 0 ? 5e-6 : 5e-4) * term)));
            assertThat(a.total()).isCloseTo(b.total(), within((step == 0 ? 1e-6 : 2e-5) * b.total()));
            assertThat(a.gradientNorm()).isCloseTo(b.gradientNorm(), within((step == 0 ? 1e-6 : 3e-2) * b.gradientNorm()));
        }
        whole.weights.forEach((name, wanted) -> {
            double max = 0;
            double off = 0;
            for (int i = 0; i < wanted.length; i++) {
                max = Math.max(max, Math.abs(wanted[i]));
                off = Math.max(off, Math.abs(wanted[i] - got.weights.get(name)[i]));
            }
            assertThat(off).as(name + " of largest value " + max).isLessThanOrEqualTo(5e-5 * max);
        });
    }

    /** With focal loss a part divides by all objects, with cross-entropy by the class weights of all images. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void parts_train_as_the_whole_batch_does(boolean focal) {
        Trained whole = train(config(focal), 1);
        long gradients = 4 * trainedValues();
        long alone = train(config(focal), 1, 2, LocalGroup.alone(), 0, 1).peak;
        for (int parts : new int[] {2, 5}) {
            Trained cut = train(config(focal), parts);
            same(cut, whole);
            assertThat(cut.peak).as("bytes at the worst moment, %d parts", parts).isLessThan(whole.peak * 3 / 4);
            if (parts == 5) { // images one by one, the first of 96 x 128 pixels now padded to 128 x 128
                assertThat(cut.peak).isLessThan(alone * 4 / 3 + gradients);
            }
        }
    }

    @Test
    void parts_of_replicas_train_as_the_whole_batch_does() throws InterruptedException {
        Config config = config(true);
        Trained whole = train(config, 1, 1, LocalGroup.alone(), 1, 5);
        LocalGroup group = new LocalGroup(2, 60);
        List<Trained> halves = new ArrayList<>(java.util.Collections.nCopies(2, null));
        List<Thread> threads = IntStream.range(0, 2).mapToObj(r -> Thread.ofPlatform()
                .start(() -> halves.set(r, train(config, 2, 1, group.member(r), 1 + 2 * r, 3 + 2 * r)))).toList();
        for (Thread t : threads) {
            t.join();
        }
        // Images of two sizes are padded by rank, not by batch: the first half sees other borders.
        halves.getFirst().weights.forEach((name, w) -> assertThat(w).as(name + " on both").isEqualTo(halves.getLast().weights.get(name)));
        for (int i = 0; i < STEPS; i++) {
            double mean = (halves.getFirst().results.get(i).total() + halves.getLast().results.get(i).total()) / 2;
            assertThat(mean).as("loss of step %d", i).isCloseTo(whole.results.get(i).total(), within(0.05 * mean));
        }
    }

    @Test
    void any_number_of_threads_gives_the_same_bits() {
        Config config = TINY.config().with("MODEL.SparseRCNN.DROPOUT", "0.1");
        Trained one = train(config, 3, 1, LocalGroup.alone(), 0, 5);
        Trained three = train(config, 3, 3, LocalGroup.alone(), 0, 5);
        one.weights.forEach((name, w) -> assertThat(three.weights.get(name)).as(name).isEqualTo(w));
        assertThat(three.results).isEqualTo(one.results);
    }

    @ParameterizedTest
    @CsvSource({"8, 1, '[8]'", "8, 2, '[4, 4]'", "8, 3, '[3, 3, 2]'", "7, 4, '[2, 2, 2, 1]'", "3, 3, '[1, 1, 1]'", "1, 2, '[1]'"})
    void sizes_differ_by_one_at_most_and_the_order_stays(int images, int parts, String sizes) {
        List<Integer> batch = IntStream.range(0, images).boxed().toList();
        List<List<Integer>> cut = new Accumulation(parts).cut(batch);
        assertThat(cut.stream().map(List::size).toList()).hasToString(sizes);
        assertThat(cut.stream().flatMap(List::stream).toList()).isEqualTo(batch);
    }

    @Test
    void more_parts_than_images_are_refused_with_the_way_out() {
        var solver = Config.defaults().with("SOLVER.IMS_PER_BATCH", "8", "SOLVER.ACCUMULATION_STEPS", "3").solver();
        assertThat(Accumulation.of(solver, 2)).isEqualTo(new Accumulation(3));
        assertThatThrownBy(() -> Accumulation.of(solver, 4)).isInstanceOf(BadInput.class).hasMessageContainingAll("SOLVER.ACCUMULATION_STEPS is 3",
                "2 images in a step (SOLVER.IMS_PER_BATCH 8 over 4)", "set SOLVER.ACCUMULATION_STEPS 2");
    }
}
