package org.sparsercnn.data;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.sparsercnn.util.BadInput;

/**
 * Data set names to annotation files and image folders. The built-in names are detectron2's for COCO instances and Sparse
 * R-CNN's for CrowdHuman, under the folder DETECTRON2_DATASETS names (./datasets without it); a {@link CatalogFile} adds others, and
 * {@code annotations.json::image folder}, with {@code ::metric} behind it or without, needs no name at all.
 */
public final class DatasetCatalog {
    /** Environment variable that names the folder of the built-in data sets. */
    public static final String ROOT_VARIABLE = "DETECTRON2_DATASETS";

    /** File in the folder of the built-in data sets that names others. */
    public static final String FILE_NAME = "datasets.yaml";

    /** Between annotation file, image folder and metric where they stand in place of a name. */
    private static final String PAIR = "::";

    /**
     * One data set: COCO annotations and the folder its file names are relative to.
     *
     * @param metric how detections on it are scored
     */
    public record Entry(String name, Path json, Path imageRoot, Metric metric) {}

    private record Layout(String imageRoot, String json) {}

    private static final Map<String, Layout> BUILT_IN = builtIn();

    private final Path root;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<Path, AnnotationStore> read = new HashMap<>();

    /**
     * @param root folder of the built-in data sets
     * @param own further data sets; a built-in name given here replaces the built-in one
     */
    public DatasetCatalog(Path root, List<Entry> own) {
        this.root = root;
        BUILT_IN.forEach((name, layout) ->
                entries.put(name, new Entry(name, root.resolve(layout.json()), root.resolve(layout.imageRoot()), metric(name))));
        own.forEach(entry -> entries.put(entry.name(), entry));
    }

    /**
     * The catalog under the folder the environment names; a leading {@code ~} is the home folder.
     *
     * @param file a YAML file with further data sets; empty: {@value #FILE_NAME} in that folder, where there is one
     */
    public static DatasetCatalog open(Map<String, String> environment, String file) {
        Path root = root(environment);
        Path standard = root.resolve(FILE_NAME);
        if (file.isEmpty() && !Files.exists(standard)) {
            return new DatasetCatalog(root, List.of());
        }
        return new DatasetCatalog(root, CatalogFile.read(file.isEmpty() ? standard : Path.of(expandHome(file))));
    }

    /** The folder of the built-in data sets. */
    public static Path root(Map<String, String> environment) {
        String root = environment.getOrDefault(ROOT_VARIABLE, "");
        if (root.isBlank()) {
            root = "datasets";
        }
        return Path.of(expandHome(root));
    }

    static String expandHome(String path) {
        return path.equals("~") || path.startsWith("~/") ? System.getProperty("user.home") + path.substring(1) : path;
    }

    /**
     * How DATASETS.TRAIN and DATASETS.TEST name a data set that is in no catalog.
     *
     * @throws BadInput if a path has the two colons that stand between paths
     */
    public static String unnamed(Path json, Path imageRoot, Metric metric) {
        if ((json + " " + imageRoot).contains(PAIR)) {
            throw BadInput.of("%s and %s: a path with \"%s\" cannot be told from two paths; rename it, or name the data set in %s (DATASETS.CATALOG)",
                    json, imageRoot, PAIR, FILE_NAME);
        }
        return json + PAIR + imageRoot + (metric == Metric.COCO ? "" : PAIR + metric.name().toLowerCase(Locale.ROOT));
    }

    /**
     * @param name of the catalog, or {@code annotations.json::image folder}, which is then named like the file
     * @throws BadInput if the name is unknown; the message lists the known ones
     */
    public Entry entry(String name) {
        Entry entry = entries.get(name);
        if (entry != null) {
            return entry;
        }
        String[] parts = name.split(PAIR, 3);
        if (parts.length == 1) {
            throw BadInput.of("data set \"%s\" is not known; known are %s; your own data: train --train-json FILE --train-images FOLDER, or name"
                    + " it in %s (DATASETS.CATALOG)", name, String.join(", ", entries.keySet()), root.resolve(FILE_NAME));
        }
        return unnamed(name, parts[0], parts[1], parts.length == 2 ? Metric.COCO : Metric.of(parts[2], "data set \"" + name + "\""));
    }

    private static Entry unnamed(String whole, String json, String images, Metric metric) {
        try {
            Path file = Path.of(expandHome(json));
            String name = String.valueOf(file.getFileName());
            return new Entry(name.endsWith(".json") ? name.substring(0, name.length() - ".json".length()) : name, file, Path.of(expandHome(images)), metric);
        } catch (InvalidPathException e) {
            throw new BadInput("data set \"" + whole + "\": not a path: " + e.getReason(), e);
        }
    }

    /**
     * Reads a data set with {@link CocoReader}.
     *
     * @throws BadInput if the name is unknown, its file or folder is missing, or the file is refused
     */
    public Dataset load(String name, boolean strict) {
        Entry entry = entry(name);
        requirePresent(entry, "annotation file", entry.json());
        requirePresent(entry, "image folder", entry.imageRoot());
        if (Files.isDirectory(entry.json())) {
            throw BadInput.of("data set \"%s\": %s is a folder; its annotation file in COCO's JSON was expected", entry.name(), entry.json());
        }
        if (!Files.isDirectory(entry.imageRoot())) {
            throw BadInput.of("data set \"%s\": %s is a file; the folder of its images was expected", entry.name(), entry.imageRoot());
        }
        return CocoReader.dataset(entry.name(), annotations(name), entry.imageRoot(), strict);
    }

    /**
     * The annotation file of a data set, read once however often and under however many names it is asked for: training, evaluation
     * and all replicas share it.
     *
     * @throws BadInput if the name is unknown or the file is refused
     */
    public AnnotationStore annotations(String name) {
        Path json = entry(name).json();
        synchronized (read) {
            return read.computeIfAbsent(json.toAbsolutePath().normalize(), _ -> AnnotationStore.read(json));
        }
    }

    /** The classes of a built-in data set, known without its files: what a downloaded model needs to name what it finds. */
    public static Optional<CategoryMap> builtInCategories(String name) {
        if (!BUILT_IN.containsKey(name)) {
            return Optional.empty();
        }
        return name.startsWith("coco") ? Optional.of(CategoryMap.coco())
                : name.startsWith("CrowdHuman") ? Optional.of(CategoryMap.ofNames(List.of("person"))) : Optional.empty();
    }

    private static Metric metric(String builtIn) {
        return builtIn.startsWith("CrowdHuman") ? Metric.CROWDHUMAN : Metric.COCO;
    }

    private void requirePresent(Entry entry, String what, Path path) {
        if (!Files.exists(path)) {
            String remedy = path.startsWith(root)
                    ? "; put it there or set " + ROOT_VARIABLE + " (now " + root.toAbsolutePath() + ") to the folder of your data sets" : "; check the path";
            throw new BadInput("data set \"" + entry.name() + "\": " + what + " " + path + " does not exist" + remedy);
        }
    }

    private static Map<String, Layout> builtIn() {
        Map<String, Layout> map = new LinkedHashMap<>();
        for (String[] row : new String[][] {
            {"coco_2014_train", "train2014", "instances_train2014"},
            {"coco_2014_val", "val2014", "instances_val2014"},
            {"coco_2014_minival", "val2014", "instances_minival2014"},
            {"coco_2014_minival_100", "val2014", "instances_minival2014_100"},
            {"coco_2014_valminusminival", "val2014", "instances_valminusminival2014"},
            {"coco_2017_train", "train2017", "instances_train2017"},
            {"coco_2017_val", "val2017", "instances_val2017"},
            {"coco_2017_test", "test2017", "image_info_test2017"},
            {"coco_2017_test-dev", "test2017", "image_info_test-dev2017"},
            {"coco_2017_val_100", "val2017", "instances_val2017_100"},
        }) {
            map.put(row[0], new Layout("coco/" + row[1], "coco/annotations/" + row[2] + ".json"));
        }
        map.put("CrowdHuman_train", new Layout("crowdhuman/CrowdHuman_train", "crowdhuman/annotations/train.json"));
        map.put("CrowdHuman_val", new Layout("crowdhuman/CrowdHuman_val", "crowdhuman/annotations/val.json"));
        for (String split : List.of("train", "val")) { // the small configs' own
            map.put("quickstart_" + split, new Layout("quickstart/" + split, "quickstart/annotations/" + split + ".json"));
            map.put("blood_cells_" + split, new Layout("blood_cells/JPEGImages", "blood_cells/annotations/instances_" + split + ".json"));
        }
        return map;
    }
}
