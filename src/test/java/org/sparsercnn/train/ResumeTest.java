package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.AspectRatioGrouping;
import org.sparsercnn.data.DataLoader;
import org.sparsercnn.data.Dataset;
import org.sparsercnn.data.DatasetCatalog;
import org.sparsercnn.data.DatasetMapper;
import org.sparsercnn.data.Sample;
import org.sparsercnn.data.sampleset.SampleSet;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.dist.LocalGroup;
import org.sparsercnn.io.HostTensor;
import org.sparsercnn.io.StateDict;
import org.sparsercnn.io.TrainingCheckpoint;
import org.sparsercnn.model.Initialization;
import org.sparsercnn.model.Predictor;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.optim.Ema;
import org.sparsercnn.util.Json;

/** Ten steps are five, a checkpoint file, and five more; an evaluation in between leaves no trace. To the last bit. */
class ResumeTest {
    private static final int STEPS = 10;
    private static final int BATCH = 3;
    private static final long SEED = 5;

    @TempDir
    static Path folder;

    private static Dataset images;

    @BeforeAll
    static void draw() {
        SampleSet.write(folder.resolve("quickstart"), 8, 2, 64, 1);
        images = new DatasetCatalog(folder, List.of()).load("quickstart_train", false);
    }

    private static Config config(String... more) {
        List<String> all = new ArrayList<>(List.of("MODEL.SparseRCNN.NUM_HEADS", "2", "MODEL.SparseRCNN.NUM_PROPOSALS", "8",
                "MODEL.SparseRCNN.HIDDEN_DIM", "32", "MODEL.SparseRCNN.DIM_DYNAMIC", "8", "MODEL.SparseRCNN.DIM_FEEDFORWARD", "32",
                "MODEL.FPN.OUT_CHANNELS", "32", "MODEL.RESNETS.RES2_OUT_CHANNELS", "8", "MODEL.RESNETS.STEM_OUT_CHANNELS", "8",
                "INPUT.MIN_SIZE_TRAIN", "(48, 64)", "INPUT.MAX_SIZE_TRAIN", "64", "INPUT.CROP.ENABLED", "True", "MODEL.SparseRCNN.DROPOUT", "0.1"));
        all.addAll(List.of(more));
        return Config.load(Path.of("configs/quickstart.yaml"), all);
    }

    private static DataLoader<Sample> loader(Config config, long seed, long from, int workers) {
        DatasetMapper mapper = DatasetMapper.forTraining(config.input(), seed);
        return new DataLoader<>(AspectRatioGrouping.over(images.images(), true, seed, BATCH, 0, 1).skip(from),
                draw -> mapper.map(images.images().get(draw.index()), draw.epoch()), workers, Duration.ofMinutes(1));
    }

    /** A run up to step {@code to}, from its beginning or from a checkpoint; {@code between} is done after each third step. */
    private static TrainingCheckpoint train(Config config, TrainingCheckpoint begin, int to, int workers, boolean looks) {
        try (Device device = new CpuDevice(2, -1); SparseRcnn model = new SparseRcnn(device, config.model());
                TrainingState state = new TrainingState(model, config, new Rng(SEED))) {
            Initialization.apply(model, SEED);
            long from = begin == null ? 0 : state.restore(begin);
            state.begin(LocalGroup.alone());
            Accumulation accumulation = Accumulation.of(config.solver(), 1);
            TrainingStep step = new TrainingStep(model, state, LocalGroup.alone(), DType.F32, accumulation);
            PreciseBn precise = new PreciseBn(model, LocalGroup.alone(), DType.F32, accumulation, 2, i -> loader(config, 1000 + i, 0, 0));
            Hook refresh = new EvaluationHook(4, i -> {
                try (Ema.InPlace _ = state.averaged()) {
                    precise.update(i);
                }
            });
            Hook look = new EvaluationHook(3, _ -> {
                if (looks) {
                    look(model, state, config);
                }
            });
            NonFiniteGuard guard = new NonFiniteGuard(5, step, folder, "");
            try (DataLoader<Sample> loader = loader(config, SEED, from, workers)) {
                new Trainer(step, new SchedulePlan(config.with("SOLVER.MAX_ITER", Integer.toString(to)).solver()), List.of(refresh, look), guard)
                        .run(from, loader, () -> false);
            }
            return state.save(to - 1, Json.MAPPER.createObjectNode());
        }
    }

    private static void look(SparseRcnn model, TrainingState state, Config config) {
        try (Ema.InPlace _ = state.averaged(); Predictor predictor = new Predictor(model, new Predictor.Settings(DType.F32, 0));
                DataLoader<Sample> loader = loader(config, 1, 0, 0)) {
            predictor.run(Samples.pictures(loader.next()));
            var shown = IntStream.range(0, 2).mapToObj(_ -> loader.next().subList(0, 1)).iterator();
            assertThat(new ValidationLoss(model, LocalGroup.alone(), DType.F32).measure(2, shown, () -> false)).isNotEmpty();
        }
    }

    private static void same(StateDict found, StateDict wanted) {
        assertThat(found.tensors().keySet()).isEqualTo(wanted.tensors().keySet());
        wanted.tensors().forEach((name, t) -> assertThat(found.get(name).toFloats()).as(name).isEqualTo(t.toFloats()));
    }

    private static TrainingCheckpoint throughFile(TrainingCheckpoint checkpoint) {
        Path file = folder.resolve("half.safetensors");
        checkpoint.write(file);
        return TrainingCheckpoint.read(file);
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "SOLVER.OPTIMIZER ADAMW",
        "SOLVER.OPTIMIZER SGD SOLVER.EMA_DECAY 0.99",
        "SOLVER.ACCUMULATION_STEPS 2 SOLVER.EMA_DECAY 0.5",
        "MODEL.RESNETS.NORM BN SOLVER.ACCUMULATION_STEPS 3",
        "MODEL.RESNETS.NORM SyncBN SOLVER.EMA_DECAY 0.9 SOLVER.OPTIMIZER SGD",
    })
    void ten_steps_are_five_and_five_more(String overrides) {
        Config config = config(overrides.split(" "));
        TrainingCheckpoint straight = train(config, null, STEPS, 0, false);
        TrainingCheckpoint half = train(config, null, STEPS / 2, 2, true);
        TrainingCheckpoint again = train(config, throughFile(half), STEPS, 5, true);
        same(again.model(), straight.model());
        same(again.optimizer(), straight.optimizer());
        same(again.averages(), straight.averages());
        assertThat(again.state()).isEqualTo(straight.state());
        assertThat(straight.averages().isEmpty()).isEqualTo(config.solver().emaDecay() == 0);
        assertThat(half.model().get("head.head_series.0.linear1.weight").toFloats())
                .isNotEqualTo(straight.model().get("head.head_series.0.linear1.weight").toFloats());
    }

    /** Steps that were skipped are remembered too: the guard counts on. */
    @Test
    void skipped_steps_are_counted_on() {
        TrainingCheckpoint half = train(config(), null, 2, 0, false);
        ObjectNode state = half.state().deepCopy();
        state.withObject("/skipped_steps").put("in_all", 7).put("in_a_row", 4);
        TrainingCheckpoint one = train(config(), new TrainingCheckpoint(half.model(), half.optimizer(), state), 3, 0, false);
        assertThat(one.state().at("/skipped_steps/in_all").asLong()).isEqualTo(7);
        assertThat(one.state().at("/skipped_steps/in_a_row").asLong()).isZero();
    }

    /** An average that is kept from now on begins with the weights of the checkpoint; one that is no longer kept is left behind. */
    @Test
    void an_average_may_begin_or_end_with_a_resume() {
        Config with = config("SOLVER.EMA_DECAY", "0.9");
        TrainingCheckpoint without = train(config(), null, 2, 0, false);
        TrainingCheckpoint begun = train(with, without, 2, 0, false);
        UnaryOperator<StateDict> trained = all -> {
            StateDict some = new StateDict();
            begun.averages().tensors().forEach((name, _) -> some.put(name, all.get(name)));
            return some;
        };
        same(begun.averages(), trained.apply(without.model()));
        assertThat(train(config(), begun, 3, 0, false).averages().isEmpty()).isTrue();
        HostTensor average = train(with, begun, 3, 0, false).averages().get("head.head_series.0.linear1.weight");
        assertThat(average.toFloats()).isNotEqualTo(without.model().get("head.head_series.0.linear1.weight").toFloats());
    }
}
