package org.sparsercnn.data;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sparsercnn.util.BadInput;

/**
 * Data sets named in a YAML file, with the words of detectron2's {@code register_coco_instances}. Paths are relative to the file.
 *
 * <pre>
 * cells_train:
 *   json_file: annotations/train.json
 *   image_root: photos
 *   evaluator: coco             # or crowdhuman; may be left out
 * </pre>
 */
final class CatalogFile {
    private static final String JSON = "json_file";
    private static final String IMAGES = "image_root";
    private static final String EVALUATOR = "evaluator";
    private static final Set<String> KEYS = Set.of(JSON, IMAGES, EVALUATOR);

    private final Path file;

    private CatalogFile(Path file) {
        this.file = file;
    }

    /** @throws BadInput if the file is missing, no YAML, or an entry lacks a key or has one that is not known */
    static List<DatasetCatalog.Entry> read(Path file) {
        return new CatalogFile(file).entries();
    }

    private List<DatasetCatalog.Entry> entries() {
        if (!(YamlDocument.read(file, "the catalog of data sets (DATASETS.CATALOG)") instanceof Map<?, ?> sets)) {
            throw new BadInput(file + ": a mapping was expected, the name of each data set with " + JSON + " and " + IMAGES + " below it");
        }
        List<DatasetCatalog.Entry> entries = new ArrayList<>();
        sets.forEach((name, value) -> entries.add(entry(String.valueOf(name), value)));
        return entries;
    }

    private DatasetCatalog.Entry entry(String name, Object value) {
        if (!(value instanceof Map<?, ?> keys)) {
            throw new BadInput(file + ": data set \"" + name + "\" needs " + JSON + " and " + IMAGES + ", found " + value);
        }
        for (Object key : keys.keySet()) {
            if (!KEYS.contains(String.valueOf(key))) {
                throw BadInput.of("%s: data set \"%s\": there is no key %s; known are %s", file, name, key, String.join(", ", KEYS.stream().sorted().toList()));
            }
        }
        Object evaluator = keys.get(EVALUATOR);
        Metric metric = evaluator == null ? Metric.COCO : Metric.of(String.valueOf(evaluator), file + ": data set \"" + name + "\"");
        return new DatasetCatalog.Entry(name, path(name, keys, JSON), path(name, keys, IMAGES), metric);
    }

    private Path path(String name, Map<?, ?> keys, String key) {
        if (!(keys.get(key) instanceof String text) || text.isBlank()) {
            throw BadInput.of("%s: data set \"%s\": %s is missing; %s", file, name, key,
                    key.equals(JSON) ? "it names the COCO annotation file" : "it names the folder of the images");
        }
        try {
            return file.toAbsolutePath().resolveSibling(DatasetCatalog.expandHome(text));
        } catch (InvalidPathException e) {
            throw new BadInput(file + ": data set \"" + name + "\": " + key + " is not a path: " + e.getReason(), e);
        }
    }
}
