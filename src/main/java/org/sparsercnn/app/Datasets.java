package org.sparsercnn.app;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.config.DataLoaderConfig;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.data.DataLoader;
import org.sparsercnn.data.Dataset;
import org.sparsercnn.data.DatasetCatalog;
import org.sparsercnn.data.Draw;
import org.sparsercnn.data.ImageRecord;
import org.sparsercnn.data.Metric;
import org.sparsercnn.data.Preflight;
import org.sparsercnn.data.Sample;
import org.sparsercnn.eval.CrowdHumanEvaluation;
import org.sparsercnn.eval.GroundTruth;
import org.sparsercnn.util.BadInput;

/**
 * The data sets of a run, read and held against each other and the config before anything expensive starts.
 *
 * @param config with NUM_CLASSES from the data where it was left open
 * @param training DATASETS.TRAIN as one; empty for an evaluation
 * @param tests DATASETS.TEST, in its order
 */
record Datasets(Config config, Optional<Dataset> training, List<TestSet> tests) {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.data");
    private static final String NUM_CLASSES = "MODEL.SparseRCNN.NUM_CLASSES";
    /** NUM_CLASSES of the published COCO configs. */
    private static final int COCO_CLASSES = 80;

    /**
     * A data set to measure on.
     *
     * @param truth as the annotation file has it: scores count against that, not against repaired boxes
     * @param metric how they are counted
     */
    record TestSet(Dataset images, GroundTruth truth, Metric metric) {
        TestSet {
            if (metric == Metric.CROWDHUMAN) {
                CrowdHumanEvaluation.requireOneClass("data set " + images.name(), truth.categories());
            }
        }

        String name() {
            return images.name();
        }
    }

    /**
     * Reads DATASETS.TRAIN, without empty images if the config wants that, and DATASETS.TEST.
     *
     * @param strict refuse annotations that need repair; otherwise what was repaired or dropped is logged
     * @throws BadInput also if the sets do not share their classes, or the config states another number of them
     */
    static Datasets forTraining(Environment environment, Config config, boolean strict) {
        if (config.datasets().train().isEmpty()) {
            throw new BadInput("DATASETS.TRAIN is empty: name a data set to train on, such as DATASETS.TRAIN \"('coco_2017_train',)\", or give"
                    + " --train-json FILE --train-images FOLDER");
        }
        DatasetCatalog catalog = environment.catalog(config);
        List<Dataset> parts = config.datasets().train().stream().map(name -> catalog.load(name, strict)).toList();
        Dataset all = Dataset.concat(parts);
        Config fitted = withClasses(config, all);
        parts.forEach(part -> preflight(part, config));
        Dataset used = config.dataLoader().filterEmptyAnnotations() ? all.withoutEmptyImages() : all;
        Datasets datasets = withTests(new Datasets(fitted, Optional.of(used), List.of()), parts, catalog, strict);
        datasets.tests.forEach(test -> requireSameClasses(used, test.images()));
        return datasets;
    }

    /** Reads DATASETS.TEST alone. */
    static Datasets forEvaluation(Environment environment, Config config, boolean strict) {
        if (config.datasets().test().isEmpty()) {
            throw new BadInput("DATASETS.TEST is empty: name a data set to evaluate on, such as DATASETS.TEST \"('coco_2017_val',)\", or give"
                    + " --val-json FILE --val-images FOLDER");
        }
        return withTests(new Datasets(config, Optional.empty(), List.of()), List.of(), environment.catalog(config), strict);
    }

    /** @param told sets that need not be told of once more */
    private static Datasets withTests(Datasets before, List<Dataset> told, DatasetCatalog catalog, boolean strict) {
        List<TestSet> tests = new ArrayList<>();
        Set<String> taken = new HashSet<>();
        Config config = before.config;
        for (String name : config.datasets().test()) {
            DatasetCatalog.Entry entry = catalog.entry(name);
            Dataset set = catalog.load(name, strict).named(free(entry.name(), taken));
            config = withClasses(config, set);
            if (told.stream().anyMatch(one -> sameFiles(one, set))) {
                LOG.info("Data set {} ({}): trained on as well", set.name(), set.source());
            } else {
                preflight(set, config);
            }
            tests.add(new TestSet(set, new GroundTruth(catalog.annotations(name)), entry.metric()));
        }
        return new Datasets(config, before.training, tests);
    }

    private static boolean sameFiles(Dataset one, Dataset other) {
        return one.source().equals(other.source()) && one.images().getFirst().file().equals(other.images().getFirst().file());
    }

    /** Tells what is in {@code set}; a file that is missing ends the run now and not when its turn comes. */
    private static void preflight(Dataset set, Config config) {
        Preflight preflight = Preflight.of(set, config.model().sparseRcnn().numProposals());
        LOG.info("{}", preflight.text());
        preflight.warnings().forEach(LOG::warn);
        preflight.requireImageFiles();
    }

    /** A name that is not {@code taken} yet, and is then: results of several sets stand side by side under their names. */
    static String free(String name, Set<String> taken) {
        String candidate = name;
        for (int n = 2; !taken.add(candidate); n++) {
            candidate = name + "-" + n;
        }
        return candidate;
    }

    /**
     * The config with as many classes as {@code set} has, if it leaves the number open: it is set nowhere, or it is COCO's in a
     * file while the data sets come from the command line.
     */
    private static Config withClasses(Config config, Dataset set) {
        int found = set.categories().size();
        int stated = config.model().sparseRcnn().numClasses();
        if (found == stated) {
            return config;
        }
        boolean othersData = config.isOverridden("DATASETS.TRAIN") || config.isOverridden("DATASETS.TEST");
        boolean open = !config.isSet(NUM_CLASSES) || stated == COCO_CLASSES && othersData && !config.isOverridden(NUM_CLASSES);
        if (!open) {
            throw BadInput.of("data set %s has %d classes (%s), but MODEL.SparseRCNN.NUM_CLASSES is %d%s; if the data is right, set"
                    + " MODEL.SparseRCNN.NUM_CLASSES %d", set.name(), found, some(set), stated,
                    config.place(NUM_CLASSES).map(place -> " (" + place + ")").orElse(""), found);
        }
        LOG.info("{} is {}, from {} ({}){}", NUM_CLASSES, found, set.name(), some(set),
                config.place(NUM_CLASSES).map(place -> "; " + place + " says " + stated + ", COCO's").orElse(""));
        return config.with(NUM_CLASSES, Integer.toString(found));
    }

    private static void requireSameClasses(Dataset training, Dataset test) {
        if (!training.categories().names().equals(test.categories().names())) {
            throw BadInput.of("data sets %s and %s do not belong together: the model would be trained on %s and measured on %s; make their"
                    + " categories the same, in the same order of ids", training.name(), test.name(), some(training), some(test));
        }
    }

    private static String some(Dataset set) {
        List<String> names = set.categories().names();
        return String.join(", ", names.subList(0, Math.min(5, names.size()))) + (names.size() > 5 ? ", …" : "");
    }

    /** Classes of the config's data sets: the built-in ones without their files, others if their annotation file is there. */
    static Optional<CategoryMap> categories(Environment environment, Config config) {
        DatasetCatalog catalog = environment.catalog(config);
        return Stream.concat(config.datasets().test().stream(), config.datasets().train().stream())
                .flatMap(name -> DatasetCatalog.builtInCategories(name).or(() -> categoriesOfFile(catalog, name)).stream())
                .filter(map -> map.size() == config.model().sparseRcnn().numClasses()).findFirst();
    }

    private static Optional<CategoryMap> categoriesOfFile(DatasetCatalog catalog, String name) {
        try {
            return Optional.of(catalog.annotations(name).categories());
        } catch (BadInput e) { // names are a comfort; without them the classes are numbered
            LOG.debug("no class names from {}", name, e);
            return Optional.empty();
        }
    }

    /** {@code set}'s images prepared ahead as DATALOADER says. */
    static DataLoader<Sample> loader(DataLoaderConfig config, Iterator<List<Draw>> batches, Dataset set, BiFunction<ImageRecord, Long, Sample> mapper) {
        return new DataLoader<>(batches, loading(set, mapper), config.numWorkers(), Duration.ofSeconds(config.timeout()));
    }

    /** What a loader's worker does; whatever goes wrong, the message names the image. */
    static DataLoader.Source<Sample> loading(Dataset set, BiFunction<ImageRecord, Long, Sample> mapper) {
        return new Source(set, mapper);
    }

    private record Source(Dataset set, BiFunction<ImageRecord, Long, Sample> mapper) implements DataLoader.Source<Sample> {
        @Override
        public Sample load(Draw draw) {
            ImageRecord record = set.images().get(draw.index());
            try {
                return mapper.apply(record, draw.epoch());
            } catch (BadInput e) {
                throw e;
            } catch (RuntimeException e) {
                throw new IllegalStateException(name(draw) + ": " + e, e);
            }
        }

        @Override
        public String name(Draw draw) {
            ImageRecord record = set.images().get(draw.index());
            return record.file() + " (image id " + record.id() + ")";
        }
    }
}
