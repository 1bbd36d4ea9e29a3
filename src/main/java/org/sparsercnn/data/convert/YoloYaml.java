package org.sparsercnn.data.convert;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.sparsercnn.data.YamlDocument;
import org.sparsercnn.util.BadInput;

/** Ultralytics' {@code data.yaml}: names of the classes, and where the images of each split lie. */
record YoloYaml(Path file, Map<?, ?> values) {
    /** The file itself, the usual one of a folder, or the only one there; empty if there is none. */
    static Optional<YoloYaml> find(Inputs inputs) {
        if (Files.isRegularFile(inputs.path())) {
            return Optional.of(read(inputs.path()));
        }
        List<String> there = new ArrayList<>();
        Inputs.names(inputs.folder(), ".yaml").forEach(name -> there.add(name + ".yaml"));
        Inputs.names(inputs.folder(), ".yml").forEach(name -> there.add(name + ".yml"));
        return List.of("data.yaml", "dataset.yaml", "data.yml").stream().filter(there::contains).findFirst()
                .or(() -> there.size() == 1 ? Optional.of(there.getFirst()) : Optional.empty()).map(name -> read(inputs.folder().resolve(name)));
    }

    private static YoloYaml read(Path file) {
        if (YamlDocument.read(file, "a data.yaml") instanceof Map<?, ?> map) {
            return new YoloYaml(file, map);
        }
        throw new BadInput(file + ": no data.yaml; keys such as names and train were expected");
    }

    /** By index; empty if the file has none. */
    List<String> names() {
        List<String> names = switch (values.get("names")) {
            case List<?> list -> list.stream().map(String::valueOf).toList();
            case Map<?, ?> map -> byIndex(map);
            case null -> List.of();
            case Object other -> throw new BadInput(file + ": names is " + other + "; a list, or a table from index to name, was expected");
        };
        if (values.get("nc") instanceof Integer count && !names.isEmpty() && count != names.size()) {
            throw BadInput.of("%s: nc is %d, but names lists %d: %s", file, count, names.size(), String.join(", ", names));
        }
        return names;
    }

    private List<String> byIndex(Map<?, ?> map) {
        TreeMap<Integer, String> sorted = new TreeMap<>();
        map.forEach((key, value) -> {
            if (!(key instanceof Integer index)) {
                throw new BadInput(file + ": names has the key \"" + key + "\"; an index was expected");
            }
            sorted.put(index, String.valueOf(value));
        });
        if (sorted.isEmpty() || sorted.firstKey() != 0 || sorted.lastKey() != sorted.size() - 1) {
            throw new BadInput(file + ": names must have all indices from 0 on, found " + sorted.keySet());
        }
        return List.copyOf(sorted.values());
    }

    /** The splits the file has. */
    List<String> splits() {
        return List.of("train", "val", "valid", "test").stream().filter(split -> !places(split).isEmpty()).toList();
    }

    /** Folders, or lists of images, of a split. */
    List<Path> places(String split) {
        Object value = values.get(split);
        if (value == null && split.equals("val")) {
            value = values.get("valid");
        }
        List<String> texts = switch (value) {
            case String text -> List.of(text);
            case List<?> list -> list.stream().map(String::valueOf).toList();
            case null, default -> List.of();
        };
        return texts.stream().filter(text -> !text.isBlank()).map(this::resolve).toList();
    }

    /** Below {@code path}, if that exists from here, else beside the file; Roboflow's files climb one folder too many. */
    private Path resolve(String text) {
        Path folder = file.resolveSibling("");
        Path root = values.get("path") instanceof String path && Files.isDirectory(folder.resolve(path)) ? folder.resolve(path).normalize() : folder;
        return List.of(text, text.replaceFirst("^(\\.\\./)+", "")).stream().map(root::resolve).map(Path::normalize).filter(Files::exists).findFirst()
                .orElseThrow(() -> BadInput.of("%s: there is no %s, looked for in %s", file, text, root.toString().isEmpty() ? "." : root));
    }

    /** Numbers that follow the box in a row of a pose data set; 0 if it is none. */
    int poseValues() {
        return values.get("kpt_shape") instanceof List<?> shape && shape.size() == 2 && shape.get(0) instanceof Integer points
                && shape.get(1) instanceof Integer each ? points * each : 0;
    }
}
