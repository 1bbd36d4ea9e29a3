package org.sparsercnn.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A whole configuration: detectron2's keys with Sparse R-CNN's and a few of ours, read as typed records. Immutable.
 *
 * <p>Files and overrides follow detectron2 to the letter ({@code _BASE_}, YAML 1.1 as PyYAML reads it, yacs' type rule); a
 * value with an effect is then held to what its {@link Key} allows.
 */
public final class Config {
    private static final Logger log = LoggerFactory.getLogger(Config.class);

    /** The top of the key tree. */
    record Sections(
            @Key(name = "VERSION", is = "2", doc = "Version of the key names; files of version 1 are understood.") int version,
            @Section("MODEL") ModelConfig model,
            @Section("INPUT") InputConfig input,
            @Section("DATASETS") DatasetsConfig datasets,
            @Section("DATALOADER") DataLoaderConfig dataLoader,
            @Section("SOLVER") SolverConfig solver,
            @Section("TEST") TestConfig test,
            @Key(name = "OUTPUT_DIR", is = "'./output'", doc = "Folder for checkpoints, logs and results; created.") String outputDir,
            @Key(name = "SEED", is = "-1", doc = "Seed of everything random; negative counts as 0, so that any run can be repeated.") long seed,
            @Key(name = "FLOAT32_PRECISION", is = "''", oneOf = {"", "highest", "high", "medium"}, ours = true, doc = "How a GPU multiplies fp32 numbers: `''` or `highest`: in fp32; `high` or `medium`: rounded to TF32, several times faster.") String float32Precision) {}

    /** A key whose value differs between two configs. */
    public record Difference(String key, PyValue from, PyValue to) {}

    /** Keys of the NMS that merges the passes of test-time augmentation, where it does: a plain pass has none. */
    private static final Set<String> OF_NMS = Set.of("MODEL.ROI_HEADS.NMS_THRESH_TEST", "TEST.DETECTIONS_PER_IMAGE");

    private final CfgTree tree;
    private final Sections sections;

    private Config(CfgTree tree) {
        this.tree = tree;
        this.sections = Decoder.decode(Sections.class, tree);
    }

    /** detectron2's defaults with Sparse R-CNN's keys. They name another architecture: a model needs a config file. */
    public static Config defaults() {
        return new Config(CfgTree.defaults(Schema.CURRENT));
    }

    /**
     * Reads {@code file} with its bases over the defaults, then {@code overrides}, checks that what it describes can be
     * built, and logs {@link #notices}.
     *
     * @param file      a YAML config, or null for the defaults alone
     * @param overrides {@code KEY VALUE KEY VALUE …}
     * @throws org.sparsercnn.util.BadInput for a missing file or base, text that is not YAML, an unknown key, a wrong type
     *     or value: with file, line and the nearest known key
     */
    public static Config load(Path file, List<String> overrides) {
        CfgTree tree = CfgTree.defaults(Schema.CURRENT);
        Config config = new Config((file == null ? tree : tree.mergeFile(file)).mergeList(overrides));
        CrossChecks.check(config);
        config.notices().forEach(log::warn);
        return config;
    }

    /**
     * The config that {@link #dump} wrote.
     *
     * @param name of the place it comes from, for messages
     * @throws org.sparsercnn.util.BadInput if this program does not know its keys
     */
    public static Config ofDump(String yaml, String name) {
        return new Config(CfgTree.defaults(Schema.CURRENT).mergeYaml(name, yaml));
    }

    /** This config with {@code KEY VALUE …} changed. Each value is checked by itself, but not against the others. */
    public Config with(String... overrides) {
        return new Config(tree.mergeList(List.of(overrides)));
    }

    /** This config with other data sets, as if they had been given on the command line; an empty list leaves the config's. */
    public Config withDatasets(List<String> train, List<String> test) {
        return withNames("DATASETS.TRAIN", train).withNames("DATASETS.TEST", test);
    }

    private Config withNames(String key, List<String> names) {
        return names.isEmpty() ? this : with(key, new PyValue.Tuple(names.stream().<PyValue>map(PyValue.Str::new).toList()));
    }

    /** This config with a key set to a Python value. */
    Config with(String key, PyValue value) {
        return new Config(tree.with(key, value));
    }

    public ModelConfig model() {
        return sections.model();
    }

    public InputConfig input() {
        return sections.input();
    }

    public DatasetsConfig datasets() {
        return sections.datasets();
    }

    public DataLoaderConfig dataLoader() {
        return sections.dataLoader();
    }

    public SolverConfig solver() {
        return sections.solver();
    }

    public TestConfig test() {
        return sections.test();
    }

    public String outputDir() {
        return sections.outputDir();
    }

    /** The seed, or a negative number for one that differs each run. */
    public long seed() {
        return sections.seed();
    }

    /** Whether FLOAT32_PRECISION lets a GPU round the factors of fp32 products to TF32. */
    public boolean allowsTf32() {
        return sections.float32Precision().equals("high") || sections.float32Precision().equals("medium");
    }

    /** MODEL.DEVICE if a file or override set it; empty: the program chooses (the default, cuda, is no one's wish). */
    public Optional<String> device() {
        return isSet("MODEL.DEVICE") ? Optional.of(model().device()) : Optional.empty();
    }

    /** Whether a file or override set {@code key}, be it to its default. */
    public boolean isSet(String key) {
        return tree.place(key) != null;
    }

    /** Whether {@code key} was set on the command line. */
    public boolean isOverridden(String key) {
        return Place.OVERRIDE.equals(tree.place(key));
    }

    /** Where {@code key} was set, {@code file:line} or {@code override}; empty for a default. For error messages. */
    public Optional<String> place(String key) {
        return Optional.ofNullable(tree.place(key)).map(Place::toString);
    }

    /** The value of any key, those without effect included, as Python would print it. */
    public String valueOf(String key) {
        return tree.value(key).repr();
    }

    /** What the user should know of this config: a line each, the last one naming the keys set that have no effect. */
    public List<String> notices() {
        List<String> notices = new ArrayList<>(tree.notices());
        TestConfig.Aug aug = test().aug();
        if (aug.enabled() && !aug.spans(input().minSizeTest())) {
            notices.add("TEST.AUG.MIN_SIZES %s leaves out INPUT.MIN_SIZE_TEST %d: the network sees no image near the size that it was made for"
                    .formatted(valueOf("TEST.AUG.MIN_SIZES"), input().minSizeTest()));
        }
        String inert = tree.schema().keys().values().stream()
                .filter(key -> !hasEffect(key) && !asLists(tree.value(key.name())).equals(asLists(key.defaultValue())))
                .map(key -> key.name() + " " + tree.value(key.name()).repr()).collect(Collectors.joining(", "));
        if (!inert.isEmpty()) {
            notices.add("These settings have no effect in this program: " + inert);
        }
        return notices;
    }

    /** Whether a change of {@code key} would change anything in this program. */
    public boolean hasEffect(String key) {
        return hasEffect(tree.schema().keys().get(key));
    }

    private boolean hasEffect(Schema.Entry key) {
        return key.hasEffect() && (test().aug().mergesByNms() || !OF_NMS.contains(key.name()));
    }

    /** detectron2's dumps turn tuples inside tuples into lists; that is no setting of the user's. */
    private static PyValue asLists(PyValue value) {
        return switch (value) {
            case PyValue.Tuple(List<PyValue> items) -> new PyValue.PyList(items.stream().map(Config::asLists).toList());
            case PyValue.PyList(List<PyValue> items) -> new PyValue.PyList(items.stream().map(Config::asLists).toList());
            default -> value;
        };
    }

    /** The keys in which {@code to} differs from this config, in the order of docs/config.md. */
    public List<Difference> diff(Config to) {
        return tree.schema().keys().keySet().stream()
                .map(key -> new Difference(key, tree.value(key), to.tree.value(key)))
                .filter(d -> !d.from().equals(d.to())).toList();
    }

    /**
     * This config as YAML that {@link #load} and detectron2 read back to the same values. Keys that detectron2 does not
     * know appear only where they differ from their default, and MODEL.DEVICE only where it was set: its absence lets the
     * program choose.
     */
    public String dump() {
        Map<String, PyValue> values = new LinkedHashMap<>();
        for (Schema.Entry key : tree.schema().keys().values()) {
            PyValue value = tree.value(key.name());
            boolean left = key.isOurs() && value.equals(key.defaultValue()) || key.name().equals("MODEL.DEVICE") && !isSet(key.name());
            if (!left) {
                values.put(key.name(), value);
            }
        }
        return ConfigDump.yaml(values);
    }

    /**
     * detectron2's {@code auto_scale_workers}: this config for {@code replicas} of them instead of
     * SOLVER.REFERENCE_WORLD_SIZE. Batch and learning rate grow with the number, step counts shrink; per replica and image
     * seen everything stays as it was. Unchanged when REFERENCE_WORLD_SIZE is 0 or {@code replicas}.
     */
    public Config scaledTo(int replicas) {
        SolverConfig solver = solver();
        if (solver.referenceWorldSize() == 0 || solver.referenceWorldSize() == replicas) {
            return this;
        }
        double scale = (double) replicas / solver.referenceWorldSize();
        // BASE_LR follows here, and must not follow a second time in withScaledLr.
        Config lr = solver.lrScaling().equals("none") ? this
                : with("SOLVER.REFERENCE_BATCH", rounded(Math.max(1, solver.referenceBatch() * scale)));
        return lr.with("SOLVER.IMS_PER_BATCH", rounded(solver.imsPerBatch() * scale))
                .with("SOLVER.BASE_LR", new PyValue.Real(solver.baseLr() * scale))
                .with("SOLVER.MAX_ITER", rounded(solver.maxIter() / scale))
                .with("SOLVER.WARMUP_ITERS", rounded(solver.warmupIters() / scale))
                .with("SOLVER.STEPS", new PyValue.Tuple(solver.steps().stream().map(s -> rounded(s / scale)).toList()))
                .with("SOLVER.CHECKPOINT_PERIOD", rounded(solver.checkpointPeriod() / scale))
                .with("TEST.EVAL_PERIOD", rounded(test().evalPeriod() / scale))
                .with("SOLVER.REFERENCE_WORLD_SIZE", new PyValue.Int(replicas));
    }

    /**
     * This config with the learning rate that SOLVER.LR_SCALING asks for: times (IMS_PER_BATCH / REFERENCE_BATCH), or times its
     * root. The result is written for its own batch, so that scaling it again changes nothing.
     */
    public Config withScaledLr() {
        SolverConfig solver = solver();
        double ratio = (double) solver.imsPerBatch() / solver.referenceBatch();
        double factor = switch (solver.lrScaling()) {
            case "linear" -> ratio;
            case "sqrt" -> Math.sqrt(ratio);
            default -> 1;
        };
        return factor == 1 ? this : with("SOLVER.BASE_LR", new PyValue.Real(solver.baseLr() * factor))
                .with("SOLVER.REFERENCE_BATCH", new PyValue.Int(solver.imsPerBatch()));
    }

    /** Python's round: halves go to the even neighbour. */
    private static PyValue rounded(double d) {
        return new PyValue.Int((long) Math.rint(d));
    }
}
