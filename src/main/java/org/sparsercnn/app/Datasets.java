package org.sparsercnn.app;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.data.CocoFile;
import org.sparsercnn.data.Dataset;
import org.sparsercnn.data.DatasetCatalog;
import org.sparsercnn.data.Draw;
import org.sparsercnn.data.ImageRecord;
import org.sparsercnn.data.Metric;
import org.sparsercnn.data.Sample;
import org.sparsercnn.eval.GroundTruth;
import org.sparsercnn.util.BadInput;

/** The data sets a config names, read and checked against it before anything expensive starts. */
final class Datasets {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.data");

    private final DatasetCatalog catalog;
    private final Config config;
    private final boolean strict;

    /**
     * A data set to measure on.
     *
     * @param truth as the annotation file has it: scores count against that, not against repaired boxes
     * @param metric how they are counted
     */
    record TestSet(Dataset images, GroundTruth truth, Metric metric) {
        String name() {
            return images.name();
        }
    }

    /** @param strict refuse annotations that need repair; otherwise what was repaired or dropped is logged */
    Datasets(Environment environment, Config config, boolean strict) {
        this.catalog = environment.catalog();
        this.config = config;
        this.strict = strict;
    }

    /** DATASETS.TRAIN as one, without empty images if the config wants that. */
    Dataset training() {
        if (config.datasets().train().isEmpty()) {
            throw new BadInput("DATASETS.TRAIN is empty: name a data set to train on, such as DATASETS.TRAIN \"('coco_2017_train',)\"");
        }
        Dataset all = Dataset.concat(config.datasets().train().stream().map(this::load).toList());
        Dataset used = config.dataLoader().filterEmptyAnnotations() ? all.withoutEmptyImages() : all;
        int[] counts = used.instancesPerClass();
        LOG.info("{}: {} images, {} boxes, {} classes", used.name(), used.size(), Arrays.stream(counts).asLongStream().sum(), counts.length);
        return used;
    }

    /** DATASETS.TEST, in its order. */
    List<TestSet> tests() {
        return config.datasets().test().stream().map(name -> test(catalog.entry(name))).toList();
    }

    private TestSet test(DatasetCatalog.Entry entry) {
        return new TestSet(load(entry.name()), GroundTruth.read(entry.json()), entry.metric());
    }

    /** Classes of the config's data sets: the built-in ones without their files, others if their annotation file is there. */
    Optional<CategoryMap> categories() {
        return Stream.concat(config.datasets().test().stream(), config.datasets().train().stream())
                .flatMap(name -> DatasetCatalog.builtInCategories(name).or(() -> categoriesOfFile(name)).stream())
                .filter(map -> map.size() == config.model().sparseRcnn().numClasses()).findFirst();
    }

    private Optional<CategoryMap> categoriesOfFile(String name) {
        try {
            return Optional.of(CocoFile.read(catalog.entry(name).json()).categories());
        } catch (BadInput e) { // names are a comfort; without them the classes are numbered
            LOG.debug("no class names from {}", name, e);
            return Optional.empty();
        }
    }

    /** Number of classes of the data and of the config must agree. */
    private Dataset load(String name) {
        Dataset set = catalog.load(name, strict);
        int found = set.categories().size();
        int wanted = config.model().sparseRcnn().numClasses();
        if (found != wanted) {
            List<String> names = set.categories().names();
            throw BadInput.of("data set %s has %d classes (%s%s), but MODEL.SparseRCNN.NUM_CLASSES is %d; if the data is right, set"
                    + " MODEL.SparseRCNN.NUM_CLASSES %d", name, found, String.join(", ", names.subList(0, Math.min(5, found))),
                    found > 5 ? ", …" : "", wanted, found);
        }
        return set;
    }

    /** What a loader's worker does; whatever goes wrong, the message names the image. */
    static Function<Draw, Sample> loading(Dataset set, java.util.function.BiFunction<ImageRecord, Long, Sample> mapper) {
        return draw -> {
            ImageRecord record = set.images().get(draw.index());
            try {
                return mapper.apply(record, draw.epoch());
            } catch (BadInput e) {
                throw e;
            } catch (RuntimeException e) {
                throw new IllegalStateException("image id " + record.id() + ", " + record.file() + ": " + e, e);
            }
        };
    }
}
