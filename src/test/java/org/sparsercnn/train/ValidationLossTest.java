package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.InferenceSampler;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.dist.LocalGroup;
import org.sparsercnn.model.Initialization;
import org.sparsercnn.model.SparseRcnn;

class ValidationLossTest {
    private static final Config CONFIG = Config.load(Path.of("configs/quickstart.yaml"), List.of());
    private static final int IMAGES = 5;

    /** The last one has no objects. */
    private static List<Sample> images() {
        List<Sample> images = new ArrayList<>();
        for (int i = 0; i < IMAGES; i++) {
            Sample s = FixedBatches.batch(i, 1, 64, 64 + 32 * (i % 2), 5).getFirst();
            images.add(i < IMAGES - 1 ? s : new Sample(s.imageId(), s.file(), s.original(), s.image(), new float[0], new int[0], List.of()));
        }
        return images;
    }

    private static Map<String, Double> measure(SparseRcnn model, Collective group, BooleanSupplier stop) {
        InferenceSampler share = new InferenceSampler(IMAGES, group.rank(), group.size());
        var mine = images().subList(share.begin(), share.end()).stream().map(List::of).iterator();
        return new ValidationLoss(model, group, DType.F32).measure(IMAGES, mine, stop);
    }

    private static SparseRcnn model(Device device, Config config) {
        SparseRcnn model = new SparseRcnn(device, config.model());
        Initialization.apply(model, 1);
        return model;
    }

    /** Group norm and no dropout: a training step sees the same losses. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void is_the_mean_over_images_of_what_a_training_step_reports(boolean focal) {
        Config config = CONFIG.with("MODEL.SparseRCNN.USE_FOCAL", focal ? "True" : "False");
        try (Device device = new CpuDevice(2, -1); SparseRcnn model = model(device, config);
                TrainingState state = new TrainingState(model, config, new Rng(1))) {
            TrainingStep step = new TrainingStep(model, state, LocalGroup.alone());
            Map<String, Double> wanted = new LinkedHashMap<>();
            wanted.put("val/total_loss", 0.0);
            for (Sample s : images()) {
                StepResult r = step.run(List.of(s), 0).await(); // a learning rate of 0
                wanted.merge("val/total_loss", r.total() / IMAGES, Double::sum);
                r.losses().forEach((name, v) -> wanted.merge("val/" + name, (double) v / IMAGES, Double::sum));
            }
            Map<String, Double> got = measure(model, LocalGroup.alone(), () -> false);
            assertThat(List.copyOf(got.keySet())).isEqualTo(List.copyOf(wanted.keySet())).contains("val/loss_ce", "val/loss_bbox_1");
            wanted.forEach((name, v) -> assertThat(got.get(name)).as(name).isCloseTo(v, within(1e-5 * Math.abs(v))));
        }
    }

    @Test
    void nothing_is_dropped_and_nothing_changes() {
        Config lively = CONFIG.with("MODEL.SparseRCNN.DROPOUT", "0.5", "MODEL.RESNETS.NORM", "BN");
        Config calm = lively.with("MODEL.SparseRCNN.DROPOUT", "0.0");
        try (Device device = new CpuDevice(2, -1); SparseRcnn model = model(device, lively); SparseRcnn twin = model(device, calm)) {
            Map<String, float[]> before = new HashMap<>();
            model.parameters().all().forEach(p -> before.put(p.name(), p.published()));
            long bytes = device.memory().inUse();
            Map<String, Double> got = measure(model, LocalGroup.alone(), () -> false);
            assertThat(device.memory().inUse()).isEqualTo(bytes);
            assertThat(got).isEqualTo(measure(twin, LocalGroup.alone(), () -> false));
            model.parameters().all().forEach(p -> {
                assertThat(p.published()).as(p.name()).isEqualTo(before.get(p.name()));
                assertThat(p.variable().grad()).isNull();
            });
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 7})
    void any_number_of_ranks_finds_the_same_to_the_last_bit(int ranks) throws InterruptedException {
        Map<String, Double> wanted;
        try (Device device = new CpuDevice(1, -1); SparseRcnn model = model(device, CONFIG)) {
            wanted = measure(model, LocalGroup.alone(), () -> false);
        }
        for (boolean interrupted : new boolean[] {false, true}) {
            LocalGroup group = new LocalGroup(ranks, 60);
            List<Map<String, Double>> found = new ArrayList<>(java.util.Collections.nCopies(ranks, null));
            List<Thread> threads = IntStream.range(0, ranks).mapToObj(r -> Thread.ofPlatform().start(() -> {
                try (Device device = new CpuDevice(1, -1); SparseRcnn model = model(device, CONFIG)) {
                    found.set(r, measure(model, group.member(r), () -> interrupted && r == 1));
                }
            })).toList();
            for (Thread t : threads) {
                t.join();
            }
            assertThat(found).containsOnly(interrupted ? Map.of() : wanted);
        }
    }

    @Test
    void the_host_waits_once() {
        try (LateDevice device = new LateDevice(new CpuDevice(1, -1), 1000); SparseRcnn model = model(device, CONFIG)) {
            int before = device.waits();
            assertThat(measure(model, LocalGroup.alone(), () -> false)).isNotEmpty();
            assertThat(device.waits()).isEqualTo(before + 1);
        }
    }
}
