package org.sparsercnn.app;

import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.Dataset;
import org.sparsercnn.data.DatasetCatalog;
import org.sparsercnn.eval.GroundTruth;
import org.sparsercnn.util.BadInput;

/** Data sets by name, checked against the config before anything expensive starts. */
final class Datasets {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.data");

    private Datasets() {}

    /** Reads annotations; what was repaired or dropped is logged, or refused with {@code strict}. */
    static Dataset load(String name, boolean strict) {
        return catalog().load(name, strict);
    }

    /** The ground truth as its file has it: scores count against that, not against repaired boxes. */
    static GroundTruth truth(String name) {
        return GroundTruth.read(catalog().entry(name).json());
    }

    private static DatasetCatalog catalog() {
        return DatasetCatalog.fromEnvironment(System.getenv(), List.of());
    }

    /** Number of classes of the data and of the config must agree. */
    static void checkClasses(Dataset set, Config config) {
        int wanted = config.model().sparseRcnn().numClasses();
        if (set.categories().size() != wanted) {
            throw BadInput.of("data set %s has %d classes (%s), but MODEL.SparseRCNN.NUM_CLASSES is %d; add MODEL.SparseRCNN.NUM_CLASSES %d",
                    set.name(), set.categories().size(), abbreviated(set.categories().names()), wanted, set.categories().size());
        }
    }

    private static String abbreviated(List<String> names) {
        return names.size() <= 5 ? String.join(", ", names) : String.join(", ", names.subList(0, 5)) + ", …";
    }

    /** What is in a training set, one line. */
    static void describe(Dataset set) {
        int[] counts = set.instancesPerClass();
        long boxes = java.util.Arrays.stream(counts).asLongStream().sum();
        LOG.info("{}: {} images, {} boxes, {} classes", set.name(), set.size(), boxes, counts.length);
    }
}
