package org.sparsercnn.app;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.sparsercnn.data.convert.DatasetFormat;
import org.sparsercnn.data.convert.Difficult;
import org.sparsercnn.data.convert.Inputs;
import org.sparsercnn.data.convert.LabelSource;
import org.sparsercnn.util.BadInput;

/** The commands that follow a conversion, ready to be pasted: converting the data set's other split, then training on both. */
record NextSteps(DatasetFormat format, Inputs inputs, LabelSource source, Path output, boolean skipBad) {
    private static final List<String> VALIDATION = List.of("val", "valid", "test");
    private static final List<String> TRAINING = List.of("train", "trainval");

    String text() {
        boolean validation = VALIDATION.stream().anyMatch(split()::contains) && TRAINING.stream().noneMatch(split()::contains);
        Optional<String> other = (validation ? TRAINING : VALIDATION).stream().filter(source.splits()::contains).filter(name -> !name.equals(split())).findFirst();
        Optional<Inputs> otherInputs = other.flatMap(this::inputsOf);
        String here = part(validation ? "val" : "train", output, source);
        String there = validation ? "--train-json TRAIN.json --train-images TRAIN_IMAGES" : ""; // without --val-json nothing is measured
        List<String> lines = new ArrayList<>(List.of("Go on with:"));
        if (otherInputs.isPresent()) {
            Path json = outputOf(other.get());
            there = part(validation ? "train" : "val", json, format.open(otherInputs.get()));
            if (!Files.exists(json)) {
                lines.add("  java -jar sparse-rcnn.jar " + conversion(other.get(), otherInputs.get(), json));
            }
        }
        String metric = crowdHuman() && (validation || !there.isEmpty()) ? " --val-metric crowdhuman" : "";
        String data = Stream.of(validation ? there : here, validation ? here : there).filter(part -> !part.isEmpty()).collect(Collectors.joining(" \\%n      ".formatted()));
        lines.add("  java -jar sparse-rcnn.jar train --config-file configs/%s.yaml \\%n      %s%s".formatted(
                crowdHuman() ? "sparsercnn.crowdhuman.res50.500pro.50e" : "sparsercnn.res50.100pro.3x", data, metric));
        return String.join(System.lineSeparator(), lines);
    }

    /** Options that name a converted split. */
    private static String part(String role, Path json, LabelSource source) {
        return "--%s-json %s --%s-images %s".formatted(role, quoted(json), role, quoted(source.imageFolder()));
    }

    private boolean crowdHuman() {
        return format == DatasetFormat.CROWDHUMAN;
    }

    /** NUM_PROPOSALS of the config that is proposed. */
    int proposals() {
        return crowdHuman() ? 500 : 100;
    }

    /** The name of the split that was converted, or the file's, as far as either says. */
    private String split() {
        String file = Files.isDirectory(inputs.path()) ? "" : inputs.path().getFileName().toString();
        return inputs.splits().size() == 1 ? inputs.splits().getFirst() : crowdHuman() ? file : output.getFileName().toString();
    }

    /** Empty where there is no other split or its place cannot be known: folders that were named belong to this one. */
    private Optional<Inputs> inputsOf(String split) {
        boolean placesNamed = format != DatasetFormat.VOC && (inputs.images().isPresent() || inputs.labels().isPresent());
        boolean aSplit = inputs.splits().size() == 1 || format != DatasetFormat.VOC && inputs.splits().isEmpty();
        if (placesNamed || !aSplit) {
            return Optional.empty();
        }
        Path path = crowdHuman() ? inputs.folder() : inputs.path();
        Inputs other = new Inputs(path, inputs.images(), inputs.labels(), List.of(split), source.categories(), inputs.difficult());
        try {
            format.open(other);
            return Optional.of(other);
        } catch (BadInput e) {
            return Optional.empty(); // a split whose images are not there is no next step
        }
    }

    private Path outputOf(String split) {
        String name = output.getFileName().toString();
        String own = Stream.of("trainval", "train", "valid", "val", "test").filter(name::contains).findFirst().orElse("");
        return output.resolveSibling(own.isEmpty() ? split + ".json" : name.replace(own, split));
    }

    private String conversion(String split, Inputs other, Path json) {
        List<String> words = new ArrayList<>(List.of("convert-dataset", "--from", format.toString(), quoted(other.path()), "--split", split));
        other.images().ifPresent(folder -> words.addAll(List.of("--images", quoted(folder))));
        if (!inputs.classes().isEmpty()) {
            words.addAll(List.of("--classes", quoted(String.join(",", inputs.classes()))));
        }
        if (inputs.difficult() != Difficult.CROWD) {
            words.addAll(List.of("--difficult", inputs.difficult().name().toLowerCase(Locale.ROOT)));
        }
        if (skipBad) {
            words.add("--skip-bad");
        }
        words.addAll(List.of("--output", quoted(json)));
        return String.join(" ", words);
    }

    /** For a shell. */
    private static String quoted(Object path) {
        String text = path.toString().isEmpty() ? "." : path.toString();
        return text.matches("[\\w./,+-]+") ? text : "'" + text.replace("'", "'\\''") + "'";
    }
}
