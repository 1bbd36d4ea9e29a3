package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.DataLoader;
import org.sparsercnn.data.Draw;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.dist.LocalGroup;
import org.sparsercnn.model.Initialization;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;

class PreciseBnTest {
    private static final Config BN = Config.load(Path.of("configs/quickstart.yaml"), List.of("MODEL.RESNETS.NORM", "BN", "MODEL.FPN.NORM", "BN"));
    private static final int BATCHES = 3;

    private final Device device = new CpuDevice(2, -1);

    @AfterEach
    void close() {
        assertThat(device.memory().inUse()).isZero();
        device.close();
    }

    private static SparseRcnn model(Device device, Config config) {
        SparseRcnn model = new SparseRcnn(device, config.model());
        Initialization.apply(model, 1);
        return model;
    }

    private static List<Sample> batch(int index) {
        List<Sample> batch = new ArrayList<>(FixedBatches.batch(index, 1, 64, 96, 5));
        batch.addAll(FixedBatches.batch(100 + index, 1, 96, 64, 5));
        return batch;
    }

    /** Batches {@code first}, {@code first + 1} and so on, without end. */
    private static DataLoader<Sample> loader(long first) {
        var draws = IntStream.iterate((int) first, i -> i + 1).mapToObj(i -> List.of(new Draw(0, 2 * i), new Draw(0, 2 * i + 1))).iterator();
        return new DataLoader<>(draws, draw -> batch(draw.index() / 2).get(draw.index() % 2), 0, Duration.ofMinutes(1));
    }

    private static PreciseBn precise(SparseRcnn model, Accumulation accumulation) {
        return new PreciseBn(model, LocalGroup.alone(), DType.F32, accumulation, BATCHES, PreciseBnTest::loader);
    }

    private static Map<String, float[]> values(SparseRcnn model) {
        Map<String, float[]> values = new LinkedHashMap<>();
        model.parameters().all().forEach(p -> values.put(p.name(), p.published()));
        return values;
    }

    /** The statistics of one batch alone: what a pass leaves in which it has the whole share. */
    private static Map<String, float[]> statistics(SparseRcnn model, List<Sample> batch) {
        try (Tape tape = Tape.statistics(model.device(), new Rng(0), DType.F32, 1)) {
            model.apply(tape, Samples.batch(tape, batch, model));
        }
        Map<String, float[]> values = new HashMap<>();
        model.parameters().runningStatistics().forEach(p -> values.put(p.name(), p.published()));
        return values;
    }

    private static void isMeanOf(SparseRcnn model, List<Map<String, float[]>> batches) {
        isMeanOf(model, batches, 1e-6, 0);
    }

    /** Within {@code relative} of the channel's size, and {@code ofLargest} of that of the tensor's largest. */
    private static void isMeanOf(SparseRcnn model, List<Map<String, float[]>> batches, double relative, double ofLargest) {
        for (Parameter p : model.parameters().runningStatistics()) {
            float[] got = p.published();
            double largest = IntStream.range(0, got.length).mapToDouble(c -> Math.abs(got[c])).max().orElseThrow();
            for (int c = 0; c < got.length; c++) {
                int channel = c;
                double wanted = batches.stream().mapToDouble(b -> b.get(p.name())[channel]).average().orElseThrow();
                double size = batches.stream().mapToDouble(b -> Math.abs(b.get(p.name())[channel])).max().orElseThrow();
                assertThat((double) got[c]).as("%s[%d]", p.name(), c).isCloseTo(wanted, within(relative * size + ofLargest * largest + 1e-30));
            }
        }
    }

    @Test
    void statistics_become_the_mean_over_the_batches_and_nothing_else_changes() {
        try (SparseRcnn model = model(device, BN)) {
            List<Map<String, float[]>> alone = IntStream.range(7, 7 + BATCHES).mapToObj(i -> statistics(model, batch(i))).toList();
            assertThat(alone.getFirst().keySet()).contains("backbone.bottom_up.stem.conv1.norm.running_mean", "backbone.fpn_output2.norm.running_var");
            for (Parameter p : model.parameters().runningStatistics()) {
                p.setPublished(new float[p.published().length]); // what was there before does not count
            }
            Map<String, float[]> before = values(model);
            long bytes = device.memory().inUse();
            precise(model, Accumulation.NONE).update(7);
            assertThat(device.memory().inUse()).isEqualTo(bytes);
            isMeanOf(model, alone);
            for (Parameter p : model.parameters().all()) {
                assertThat(Arrays.equals(p.published(), before.get(p.name()))).as(p.name() + " stayed").isEqualTo(!p.isRunningStatistic());
            }
        }
    }

    /** The formula of PyTorch's running statistics and of fvcore's average meet where one batch has the whole share. */
    @Test
    void a_training_pass_gives_a_batch_a_tenth() {
        try (SparseRcnn model = model(device, BN)) {
            Map<String, float[]> alone = statistics(model, batch(1));
            model.parameters().runningStatistics().forEach(p -> p.setPublished(fill(p, 3)));
            try (Tape tape = Tape.training(device, new Rng(0))) {
                model.apply(tape, Samples.batch(tape, batch(1), model));
            }
            for (Parameter p : model.parameters().runningStatistics()) {
                float[] got = p.published();
                for (int c = 0; c < got.length; c++) {
                    double b = alone.get(p.name())[c];
                    assertThat((double) got[c]).as(p.name()).isCloseTo(2.7 + 0.1 * b, within(1e-6 * (3 + Math.abs(b))));
                }
            }
        }
    }

    private static float[] fill(Parameter p, float value) {
        float[] values = new float[p.published().length];
        Arrays.fill(values, value);
        return values;
    }

    @Test
    void statistics_are_those_of_the_parts_a_step_is_made_of() {
        try (SparseRcnn model = model(device, BN)) {
            List<Map<String, float[]>> parts = new ArrayList<>();
            for (int i = 0; i < BATCHES; i++) {
                // a part is padded as its batch is: 96 x 96
                for (Sample s : batch(i)) {
                    try (Tape tape = Tape.statistics(device, new Rng(0), DType.F32, 1)) {
                        model.apply(tape, Samples.part(tape, List.of(s), new org.sparsercnn.model.ImageBatch.Size(2, 96, 96), model));
                    }
                    Map<String, float[]> values = new HashMap<>();
                    model.parameters().runningStatistics().forEach(p -> values.put(p.name(), p.published()));
                    parts.add(values);
                }
            }
            precise(model, new Accumulation(2)).update(0);
            isMeanOf(model, parts);
        }
    }

    /** As detectron2: batch norms that are frozen or folded do not count. */
    @Test
    void a_model_without_batch_norm_in_training_is_left_alone() {
        for (String[] norms : new String[][] {{"GN", "GN", "0"}, {"FrozenBN", "", "2"}, {"BN", "", "5"}}) {
            Config config = BN.with("MODEL.RESNETS.NORM", norms[0], "MODEL.FPN.NORM", norms[1], "MODEL.BACKBONE.FREEZE_AT", norms[2]);
            try (SparseRcnn model = model(device, config)) {
                Map<String, float[]> before = values(model);
                new PreciseBn(model, LocalGroup.alone(), DType.F32, Accumulation.NONE, BATCHES, _ -> {
                    throw new AssertionError("no data is needed");
                }).update(0);
                values(model).forEach((name, v) -> assertThat(v).as(name).isEqualTo(before.get(name)));
            }
        }
    }

    @Test
    void ranks_average_over_all_their_batches() throws InterruptedException {
        List<Map<String, float[]>> alone;
        try (SparseRcnn model = model(device, BN)) {
            alone = IntStream.range(0, 2 * BATCHES).mapToObj(i -> statistics(model, batch(i))).toList();
        }
        List<SparseRcnn> models = twoRanks(BN);
        isMeanOf(models.getFirst(), alone);
        close(models);
    }

    /** As in training, a pass has the statistics of all ranks: their batches together. */
    @Test
    void synchronised_batch_norm_has_the_statistics_of_all_ranks_in_each_pass() throws InterruptedException {
        Config sync = BN.with("MODEL.RESNETS.NORM", "SyncBN", "MODEL.FPN.NORM", "SyncBN");
        List<Map<String, float[]>> together;
        try (SparseRcnn model = model(device, BN)) {
            together = IntStream.range(0, BATCHES).mapToObj(i -> {
                List<Sample> batch = new ArrayList<>(batch(i));
                batch.addAll(batch(BATCHES + i));
                return statistics(model, batch);
            }).toList();
        }
        List<SparseRcnn> models = twoRanks(sync);
        isMeanOf(models.getFirst(), together, 0, 1e-5); // rounding of all layers before
        close(models);
    }

    /** Two models with the same values after the update, the first rank's batches before the second's. */
    private static List<SparseRcnn> twoRanks(Config config) throws InterruptedException {
        LocalGroup group = new LocalGroup(2, 60);
        List<SparseRcnn> models = List.of(model(new CpuDevice(1, -1), config), model(new CpuDevice(1, -1), config));
        List<Thread> threads = IntStream.range(0, 2).mapToObj(r -> Thread.ofPlatform().start(() -> new PreciseBn(models.get(r), group.member(r),
                DType.F32, Accumulation.NONE, BATCHES, _ -> loader((long) BATCHES * r)).update(0))).toList();
        for (Thread t : threads) {
            t.join();
        }
        Map<String, float[]> other = values(models.getLast());
        values(models.getFirst()).forEach((name, v) -> assertThat(other.get(name)).as(name).isEqualTo(v));
        return models;
    }

    private static void close(List<SparseRcnn> models) {
        for (SparseRcnn m : models) {
            Device d = m.device();
            m.close();
            d.close();
        }
    }

    /** NORM: SyncBN, of which one process makes BN. */
    @Test
    void synchronised_batch_norm_of_one_replica_is_batch_norm() {
        List<Map<String, float[]>> trained = new ArrayList<>();
        for (String norm : List.of("BN", "SyncBN")) {
            Config config = BN.with("MODEL.RESNETS.NORM", norm, "MODEL.FPN.NORM", norm);
            try (SparseRcnn model = model(device, config); TrainingState state = new TrainingState(model, config, new Rng(1))) {
                TrainingStep step = new TrainingStep(model, state, LocalGroup.alone());
                for (int i = 0; i < 2; i++) {
                    assertThat(step.run(batch(i), 1e-3).await().finite()).isTrue();
                }
                precise(model, Accumulation.NONE).update(2);
                trained.add(values(model));
            }
        }
        trained.getFirst().forEach((name, v) -> assertThat(trained.getLast().get(name)).as(name).isEqualTo(v));
    }

    /** Otherwise one bad batch would stay in the running statistics for ever, though its step is skipped. */
    @Test
    void statistics_that_are_not_finite_are_not_taken_in() {
        try (SparseRcnn model = model(device, BN); TrainingState state = new TrainingState(model, BN, new Rng(1))) {
            TrainingStep step = new TrainingStep(model, state, LocalGroup.alone());
            step.run(batch(0), 1e-3).await();
            Map<String, float[]> before = values(model);
            Parameter stem = model.parameters().get("backbone.bottom_up.stem.conv1.weight");
            float[] weights = stem.published();
            stem.setPublished(fill(stem, Float.NaN));
            assertThat(step.run(batch(1), 1e-3).await().finite()).isFalse();
            stem.setPublished(weights);
            values(model).forEach((name, v) -> assertThat(v).as(name).isEqualTo(before.get(name)));
        }
    }
}
