package org.sparsercnn.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparsercnn.util.BadInput;

class ConfigTest {
    private static final Path R50 = Path.of("configs/sparsercnn.res50.100pro.3x.yaml");

    @TempDir
    Path folder;

    static Stream<Path> shippedFiles() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("configs"))) {
            return files.filter(f -> f.toString().endsWith(".yaml")).sorted().toList().stream();
        }
    }

    private Path write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }

    private static Config r50(String... overrides) {
        return Config.load(R50, List.of(overrides));
    }

    @Test
    void typedRecordsHoldThePublishedValues() {
        Config config = r50("SOLVER.BASE_LR", "1e-4", "TEST.EXPECTED_RESULTS", "[['bbox', 'AP', 42.8, 0.5]]");
        assertThat(config.model().sparseRcnn().numProposals()).isEqualTo(100);
        assertThat(config.model().sparseRcnn().learnsProposalBoxes()).isTrue();
        assertThat(config.model().pixelMean()).containsExactly(123.675, 116.28, 103.53);
        assertThat(config.model().resnets().strideIn1x1()).isFalse();
        assertThat(config.model().roiHeads().inFeatures()).containsExactly("p2", "p3", "p4", "p5");
        assertThat(config.solver().baseLr()).isEqualTo(1e-4);
        assertThat(config.solver().steps()).containsExactly(210000, 250000);
        assertThat(config.solver().clipGradients().clipType()).isEqualTo("full_model");
        assertThat(config.input().crop().size()).containsExactly(384.0, 600.0);
        assertThat(config.datasets().train()).containsExactly("coco_2017_train");
        assertThat(config.test().expectedResults()).containsExactly(new TestConfig.ExpectedResult("bbox", "AP", 42.8, 0.5));
        assertThat(config.seed()).isEqualTo(40244023L);
    }

    @ParameterizedTest
    @MethodSource("shippedFiles")
    void shippedFilesLoadAndTheirDumpReadsBack(Path file) throws IOException {
        Config config = Config.load(file, List.of());
        Config again = Config.load(write("dump.yaml", config.dump()), List.of());
        assertThat(config.diff(again)).isEmpty();
        assertThat(again.isSet("MODEL.DEVICE")).isFalse();
        assertThat(again.dump()).isEqualTo(config.dump());
    }

    @Test
    void smallConfigsFlipAndSizeAsDescribed() {
        Config cells = Config.load(Path.of("configs/blood_cells.yaml"), List.of());
        assertThat(cells.input().flipsHorizontally()).isTrue();
        assertThat(cells.input().flipsVertically()).isTrue();
        assertThat(cells.model().weights()).isEmpty();
        Config shapes = Config.load(Path.of("configs/quickstart.yaml"), List.of());
        assertThat(shapes.input().flipsVertically()).isFalse();
        assertThat(shapes.model().resnets().res2OutChannels()).isEqualTo(16);
    }

    /** A dump as detectron2 writes it: every key, sorted, tuples as lists, an anchor for a list used twice. */
    @Test
    void fullDumpOfDetectron2Loads() throws Exception {
        Path dump = Path.of(ConfigTest.class.getResource("/golden/config_full_dump.yaml").toURI());
        Config config = Config.load(dump, List.of());
        Config wanted = Config.load(Path.of("configs/sparsercnn.res50.300pro.3x.yaml"), List.of("MODEL.DEVICE", "cpu"));
        assertThat(config.diff(wanted)).extracting(Config.Difference::key)
                .containsExactly("MODEL.ROI_BOX_CASCADE_HEAD.BBOX_REG_WEIGHTS"); // a tuple of tuples came back as one of lists
        assertThat(config.model()).isEqualTo(wanted.model());
        assertThat(config.device()).contains("cpu");
        assertThat(r50().device()).isEmpty();
        assertThat(config.notices()).isEmpty();
    }

    @Test
    void oddValuesSurviveTheDump() {
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < 1000; i++) {
            PyValue value = PyLiteralTest.randomValue(random, 2);
            Map<String, PyValue> one = new LinkedHashMap<>(Map.of("MODEL.WEIGHTS", value));
            PyValue.Dict read = (PyValue.Dict) YamlFile.parse("dump", ConfigDump.yaml(one)).value();
            PyValue leaf = ((PyValue.Dict) read.items().get(new PyValue.Str("MODEL"))).items().get(new PyValue.Str("WEIGHTS"));
            assertThat(leaf instanceof PyValue.Str(String text) ? CfgTree.decode(text) : leaf).isEqualTo(value);
        }
    }

    @Test
    void sectionsAreWrittenOnceAndSorted() {
        assertThat(ConfigDump.yaml(Map.of("B.A.X", new PyValue.Int(1), "B.A2", new PyValue.Real(1e-5), "B.Z", new PyValue.Str("1"),
                "A", new PyValue.None()))).isEqualTo("""
                A: null
                B:
                  A:
                    X: 1
                  A2: 1.0e-05
                  Z: '''1'''
                """);
    }

    @Test
    void oursAreDumpedOnlyWhenSet() {
        String unset = r50().dump();
        assertThat(unset).doesNotContain("DEVICE");
        assertThat(Schema.CURRENT.keys().values().stream().filter(Schema.Entry::isOurs).map(key -> key.name().substring(key.name().lastIndexOf('.') + 1)))
                .isNotEmpty().noneMatch(name -> unset.contains(" " + name + ":") || unset.contains("\n" + name + ":"));
        assertThat(r50("MODEL.SparseRCNN.PROPOSAL_BOXES", "fixed", "MODEL.DEVICE", "cpu").dump())
                .contains("PROPOSAL_BOXES: fixed").contains("DEVICE: cpu");
    }

    @Test
    void settingsWithoutEffectAreNamedInOneNotice() {
        assertThat(r50().notices()).isEmpty();
        assertThat(r50("SOLVER.NESTEROV", "True", "MODEL.MASK_ON", "True", "SOLVER.MOMENTUM", "0.8").notices())
                .containsExactly("These settings have no effect in this program: MODEL.MASK_ON True, SOLVER.NESTEROV True");
    }

    @Test
    void keysOfTheNmsThatMergesPassesCountOnlyWhereThereIsOne() {
        String[] nms = {"TEST.DETECTIONS_PER_IMAGE", "50", "MODEL.ROI_HEADS.NMS_THRESH_TEST", "0.6"};
        String notice = "These settings have no effect in this program: MODEL.ROI_HEADS.NMS_THRESH_TEST 0.6, TEST.DETECTIONS_PER_IMAGE 50";
        assertThat(r50(nms).notices()).containsExactly(notice);
        assertThat(r50(nms).with("TEST.AUG.ENABLED", "True").notices()).containsExactly(notice);
        assertThat(r50(nms).with("TEST.AUG.ENABLED", "True", "TEST.AUG.CVPODS_TTA", "False").notices()).isEmpty();
    }

    @Test
    void augmentationFarFromTheUsualSizeIsNoticed() {
        String[] small = {"TEST.AUG.ENABLED", "True", "INPUT.MIN_SIZE_TEST", "240"};
        assertThat(r50(small).notices()).containsExactly("TEST.AUG.MIN_SIZES (400, 500, 600, 640, 700, 900, 1000, 1100, 1200, 1300, 1400,"
                + " 1800, 800) leaves out INPUT.MIN_SIZE_TEST 240: the network sees no image near the size that it was made for");
        assertThat(r50("TEST.AUG.ENABLED", "True").notices()).isEmpty();
        assertThat(r50("INPUT.MIN_SIZE_TEST", "240").notices()).isEmpty();
        assertThat(r50("TEST.AUG.ENABLED", "True", "INPUT.MIN_SIZE_TEST", "0").notices()).isEmpty();
    }

    @Test
    void differencesAreNamed() {
        assertThat(r50().diff(r50("SEED", "1"))).containsExactly(
                new Config.Difference("SEED", new PyValue.Int(40244023), new PyValue.Int(1)));
    }

    @Test
    void scalesToTheNumberOfReplicas() {
        Config config = r50("SOLVER.REFERENCE_WORLD_SIZE", "8").scaledTo(2);
        assertThat(config.solver().imsPerBatch()).isEqualTo(4);
        assertThat(config.solver().baseLr()).isEqualTo(0.000025 / 4);
        assertThat(config.solver().maxIter()).isEqualTo(1080000);
        assertThat(config.solver().steps()).containsExactly(840000, 1000000);
        assertThat(config.solver().warmupIters()).isEqualTo(4000);
        assertThat(config.solver().checkpointPeriod()).isEqualTo(20000);
        assertThat(config.test().evalPeriod()).isEqualTo(29320);
        assertThat(config.scaledTo(2).diff(config)).isEmpty();
        assertThat(r50().scaledTo(2).diff(r50())).isEmpty();
    }

    @Test
    void theLearningRateFollowsTheBatchOnce() {
        Config linear = r50("SOLVER.IMS_PER_BATCH", "4", "SOLVER.LR_SCALING", "linear").withScaledLr();
        assertThat(linear.solver().baseLr()).isEqualTo(2.5e-5 * 4 / 16);
        assertThat(r50("SOLVER.IMS_PER_BATCH", "64", "SOLVER.LR_SCALING", "sqrt").withScaledLr().solver().baseLr()).isEqualTo(5e-5);
        assertThat(r50("SOLVER.IMS_PER_BATCH", "4", "SOLVER.REFERENCE_BATCH", "8", "SOLVER.LR_SCALING", "linear").withScaledLr().solver().baseLr()).isEqualTo(1.25e-5);
        assertThat(r50("SOLVER.IMS_PER_BATCH", "4").withScaledLr().diff(r50("SOLVER.IMS_PER_BATCH", "4"))).as("none").isEmpty();
        assertThat(linear.withScaledLr().diff(linear)).isEmpty();
        assertThat(Config.ofDump(linear.dump(), "config.yaml").withScaledLr().diff(linear)).as("its own dump").isEmpty();
        Config both = r50("SOLVER.REFERENCE_WORLD_SIZE", "8", "SOLVER.LR_SCALING", "linear").scaledTo(2);
        assertThat(both.withScaledLr().diff(both)).as("replicas have scaled it already").isEmpty();
    }

    @Test
    void aDumpThatThisProgramDoesNotKnowIsRefused() {
        assertThatThrownBy(() -> Config.ofDump("SOLVER:\n  NEW_KEY: 3\n", "model.safetensors")).isInstanceOf(BadInput.class)
                .hasMessageContainingAll("model.safetensors", "SOLVER.NEW_KEY");
        assertThatThrownBy(() -> Config.ofDump("[1]", "model.safetensors")).isInstanceOf(BadInput.class).hasMessageContaining("model.safetensors");
        Config config = r50("MODEL.DEVICE", "cpu", "SOLVER.KEEP_CHECKPOINTS", "3");
        assertThat(Config.ofDump(config.dump(), "x").diff(config)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "MODEL.SparseRCNN.NUM_PROPOSAL|1|MODEL.SparseRCNN.NUM_PROPOSALS", "MODEL.SPARSERCNN.NUM_HEADS|6|MODEL.SparseRCNN.NUM_HEADS",
        "NUM_PROPOSALS|1|MODEL.SparseRCNN.NUM_PROPOSALS", "SOLVER.LR|1.0|SOLVER.BASE_LR", "MODEL.FREEZE_AT|1|MODEL.BACKBONE.FREEZE_AT",
        "SOLVER.BASE_LR|1|write 1.0", "SOLVER.MAX_ITER|1e3|must be an int such as 270000, found the float 1000.0; write 1000",
        "DATASETS.TEST|mine|\"('mine',)\"", "OUTPUT_DIR|12|\"'12'\"", "SOLVER.BASE_LR|None|SOLVER.BASE_LR is None; wanted: a finite float",
        "MODEL.RESNETS.DEPTH|77|one of 18, 34, 50, 101, 152", "MODEL.SparseRCNN.ACTIVATION|glu|one of relu, gelu",
        "MODEL.SparseRCNN.NUM_CLASSES|0|at least 1", "MODEL.SparseRCNN.NUM_CLASSES|3000000000|at least 1",
        "MODEL.PIXEL_MEAN|(1, 2)|a list of 3 numbers", "SOLVER.STEPS|(1, 2.5)|a list of ints", "SOLVER.STEPS|(5, 4)|ascending",
        "SOLVER.BASE_LR|1e999|finite", "TEST.EXPECTED_RESULTS|[['bbox']]|[task, metric, expected, tolerance]",
        "MODEL.FPN.OUT_CHANNELS|128|MODEL.SparseRCNN.HIDDEN_DIM", "MODEL.SparseRCNN.NHEADS|7|MODEL.SparseRCNN.NHEADS",
        "MODEL.ROI_HEADS.IN_FEATURES|['p2', 'p4']|neighbours", "MODEL.FPN.IN_FEATURES|['res2', 'res6']|res5", "MODEL.META_ARCHITECTURE|RetinaNet|SparseRCNN",
        "INPUT.MIN_SIZE_TRAIN_SAMPLING|range|two lengths", "INPUT.MIN_SIZE_TRAIN|()|at least one"})
    void badOverridesSayWhatToDo(String key, String value, String said) {
        assertThatThrownBy(() -> r50(key, value)).isInstanceOf(BadInput.class).hasMessageContaining(said)
                .hasMessageContaining(key.substring(key.lastIndexOf('.') + 1));
    }

    @Test
    void shallowResNetsNeedTheirWidth() {
        assertThatThrownBy(() -> r50("MODEL.RESNETS.DEPTH", "18")).isInstanceOf(BadInput.class)
                .hasMessageContaining("MODEL.RESNETS.RES2_OUT_CHANNELS is 256; wanted: 64");
        assertThat(r50("MODEL.RESNETS.DEPTH", "18", "MODEL.RESNETS.RES2_OUT_CHANNELS", "64").model().resnets().depth()).isEqualTo(18);
    }

    @Test
    void errorsOfFilesNameFileAndLine() throws IOException {
        write("base.yaml", "SEED: 1\nMODEL:\n  FPN:\n    OUT_CHANEL: 3\n");
        Path child = write("child.yaml", "_BASE_: base.yaml\nSOLVER:\n  BASE_LR: 1\n");
        assertThatThrownBy(() -> Config.load(child, List.of())).isInstanceOf(BadInput.class)
                .hasMessageContaining("base.yaml:4: ").hasMessageContaining("MODEL.FPN.OUT_CHANNELS?");
        write("base.yaml", "SEED: 1\n");
        assertThatThrownBy(() -> Config.load(child, List.of())).hasMessageContaining("child.yaml:3: SOLVER.BASE_LR must be a float");
        Path value = write("value.yaml", "_BASE_: " + R50.toAbsolutePath() + "\nMODEL:\n  BACKBONE: {FREEZE_AT: 6}\n");
        assertThatThrownBy(() -> Config.load(value, List.of())).hasMessageContaining("value.yaml:3: MODEL.BACKBONE.FREEZE_AT is 6");
    }

    @Test
    void missingAndCircularBases() throws IOException {
        Path lost = write("lost.yaml", "SEED: 1\n_BASE_: gone.yaml\n");
        assertThatThrownBy(() -> Config.load(lost, List.of())).isInstanceOf(BadInput.class)
                .hasMessageContaining("gone.yaml").hasMessageContaining("no such file").hasMessageContaining("lost.yaml:2");
        Path circle = write("a.yaml", "_BASE_: b.yaml\n");
        write("b.yaml", "_BASE_: a.yaml\n");
        assertThatThrownBy(() -> Config.load(circle, List.of())).isInstanceOf(BadInput.class).hasMessageContaining("circle");
        Path web = write("web.yaml", "_BASE_: https://example.org/a.yaml\n");
        assertThatThrownBy(() -> Config.load(web, List.of())).isInstanceOf(BadInput.class).hasMessageContaining("download it");
        assertThatThrownBy(() -> Config.load(folder.resolve("none.yaml"), List.of())).isInstanceOf(BadInput.class)
                .hasMessageContaining("none.yaml").hasMessageContaining("no such file");
    }

    @Test
    void basesNestAndTildeIsHome() throws IOException {
        Files.createDirectories(folder.resolve("deep"));
        write("base.yaml", "SEED: 5\n");
        Path child = write("deep/child.yaml", "_BASE_: ../base.yaml\nVIS_PERIOD: 1\n");
        assertThat(RawConfig.read(child).tree().items()).containsEntry(new PyValue.Str("SEED"), new PyValue.Int(5));
        Path home = write("home.yaml", "_BASE_: ~/no-such-folder-here/x.yaml\n");
        assertThatThrownBy(() -> RawConfig.read(home)).hasMessageContaining(System.getProperty("user.home") + "/no-such-folder-here");
    }

    @Test
    void hostileYamlIsRefused() throws IOException {
        StringBuilder bomb = new StringBuilder("a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n");
        for (int i = 1; i < 12; i++) {
            bomb.append("a%d: &a%d [%s]\n".formatted(i, i, "*a%d, ".formatted(i - 1).repeat(10)));
        }
        for (String text : List.of(bomb.toString(), "A: &x [*x]\n", "A: " + "[".repeat(5000) + "]".repeat(5000) + "\n",
                "A: !!python/object/apply:os.system ['true']\n", "A: !!python/name:os.system\n", "? [1]\n: 2\n", "A: \0\n", "[]\n", "")) {
            Path file = write("hostile.yaml", text);
            assertThatThrownBy(() -> Config.load(file, List.of())).isInstanceOf(BadInput.class).hasMessageContaining("hostile.yaml");
        }
        Path latin = Files.write(folder.resolve("latin.yaml"), new byte[] {'A', ':', ' ', (byte) 0xe9, '\n'});
        assertThatThrownBy(() -> Config.load(latin, List.of())).isInstanceOf(BadInput.class).hasMessageContaining("UTF-8");
    }
}
