package org.sparsercnn.io;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.sparsercnn.util.BadInput;

/**
 * The outcome of matching a file with a model.
 *
 * @param loaded the model's names with what to load into them
 * @param filled those of {@code loaded} that the file lacks and that have a standard value (running statistics)
 * @param missing names of the model that get nothing
 * @param unused names of the file that go nowhere
 * @param misshapen names on both sides whose shapes differ; not loaded
 */
public record WeightsMatch(Path file, SequencedMap<String, HostTensor> loaded, List<String> filled, List<String> missing,
        List<String> unused, List<Misshapen> misshapen) {

    /** A tensor whose shape is not the model's. */
    public record Misshapen(String name, long[] inFile, long[] inModel) {
        @Override
        public String toString() {
            return name + " (" + Arrays.toString(inFile) + " in the file, " + Arrays.toString(inModel) + " in the model)";
        }
    }

    private static final int SHOWN = 10;

    /** Refuses anything but a complete model; what evaluation and demo need. */
    public WeightsMatch requireComplete() {
        List<String> problems = new ArrayList<>();
        misshapen.forEach(m -> problems.add("wrong shape: " + m));
        missing.forEach(m -> problems.add("missing: " + m));
        if (!problems.isEmpty()) {
            throw BadInput.of("%s: does not fit the model: %d missing, %d of another shape, %d fit:%n  %s%s%nUse the config"
                    + " the weights were trained with (NUM_CLASSES, NUM_PROPOSALS, NUM_HEADS, RESNETS.DEPTH), or other"
                    + " weights.", file, missing.size(), misshapen.size(), loaded.size() - filled.size(),
                    String.join("\n  ", problems.subList(0, Math.min(SHOWN, problems.size()))),
                    problems.size() > SHOWN ? "\n  … and " + (problems.size() - SHOWN) + " more" : "");
        }
        return this;
    }

    /** Refuses a file of which nothing fits under {@code prefix}, e.g. {@code backbone.}: it is another architecture's. */
    public WeightsMatch requireSome(String prefix) {
        List<String> provided = loaded.keySet().stream().filter(n -> !filled.contains(n)).toList();
        if (provided.stream().noneMatch(n -> n.startsWith(prefix))) {
            throw BadInput.of("%s: none of its tensors fits the model's '%s…' by name and shape. The file has %s; the model"
                    + " wants %s. Set MODEL.WEIGHTS to weights of this backbone, or to '' to start from scratch.",
                    file, prefix, examples(unused.isEmpty() ? provided : unused),
                    examples(missing.stream().filter(n -> n.startsWith(prefix)).toList()));
        }
        return this;
    }

    private String examples(List<String> names) {
        if (names.isEmpty()) {
            return misshapen.isEmpty() ? "nothing else" : misshapen.getFirst().toString();
        }
        return String.join(", ", names.subList(0, Math.min(3, names.size()))) + (names.size() > 3 ? ", …" : "");
    }

    /** The log's table: how much was loaded, and what was not, grouped by module. */
    public String table() {
        StringBuilder out = new StringBuilder();
        out.append(String.format("Loaded %d of %d tensors from %s%n", loaded.size() - filled.size(),
                loaded.size() + missing.size() + misshapen.size(), file));
        section(out, "filled in (running mean 0, variance 1)", grouped(filled));
        section(out, "missing in the file, kept as initialised", grouped(missing));
        section(out, "of another shape, kept as initialised", misshapen.stream().map(Misshapen::toString).toList());
        section(out, "in the file, not used", grouped(unused));
        return out.toString();
    }

    private static void section(StringBuilder out, String title, List<String> lines) {
        if (!lines.isEmpty()) {
            out.append(String.format("  %s:%n", title));
            lines.forEach(line -> out.append(String.format("    %s%n", line)));
        }
    }

    /** {@code conv1.norm.weight, conv1.norm.bias} become {@code conv1.norm.{weight, bias}}. */
    public static List<String> grouped(List<String> names) {
        Map<String, List<String>> byModule = new LinkedHashMap<>();
        for (String name : names) {
            int dot = name.lastIndexOf('.');
            byModule.computeIfAbsent(name.substring(0, dot + 1), _ -> new ArrayList<>()).add(name.substring(dot + 1));
        }
        List<String> lines = new ArrayList<>();
        byModule.forEach((module, leaves) -> lines.add(
                leaves.size() == 1 ? module + leaves.getFirst() : module + "{" + String.join(", ", leaves) + "}"));
        return lines;
    }
}
