package org.sparsercnn.data.convert;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.sparsercnn.data.ImageSize;
import org.sparsercnn.data.convert.LabelledImage.Instance;
import org.sparsercnn.util.BadInput;

/**
 * YOLO: a text file per image, a row per object: class index from 0, then centre, width and height of the box, or the corners of
 * a polygon, as fractions of the upright image. A polygon becomes the box around it; a row of a pose begins with its box.
 */
final class YoloSource implements LabelSource {
    /** Texts that lie among label files and are none. */
    private static final Set<String> NO_LABELS = Set.of("classes.txt", "train.txt", "val.txt", "valid.txt", "test.txt", "obj_names.txt", "README.txt",
            "requirements.txt");
    /** Fractions that six decimals rounded up. */
    private static final double ROUNDING = 1e-6;

    private final YoloLayout layout;

    /** @throws BadInput if there are no images or no class names, or if it must be said which split is meant */
    YoloSource(Inputs inputs) {
        layout = YoloLayout.of(inputs);
    }

    @Override
    public List<String> categories() {
        return layout.names();
    }

    @Override
    public Path imageFolder() {
        return layout.imageFolder();
    }

    @Override
    public List<String> splits() {
        return layout.splits();
    }

    @Override
    public long steps() {
        return layout.images().size();
    }

    @Override
    public void read(Findings findings, Sink sink) {
        Set<Path> images = new HashSet<>();
        Set<Path> labels = new HashSet<>();
        int unlabelled = 0;
        for (Path image : layout.images()) {
            sink.step();
            Path label = layout.labelOf(image);
            if (!images.add(image)) {
                findings.add(Finding.REPEATED, "%s once more", image);
                continue;
            }
            if (!labels.add(label)) {
                findings.add(Finding.REPEATED, "%s: its label file is that of another image, too: %s", image, label);
                continue;
            }
            if (!Files.isRegularFile(image)) {
                findings.add(Finding.NO_IMAGE, "%s is listed, but is not there", image);
                continue;
            }
            Optional<ImageSize> size = Pictures.size(image, label.toString(), findings);
            if (size.isPresent()) {
                unlabelled += Files.exists(label) ? 0 : 1;
                read(image, label, size.get(), findings).ifPresent(sink::image);
            }
        }
        if (unlabelled == layout.images().size()) {
            throw BadInput.of("none of the %,d images has a label file; the first one's would be %s; name their folder with --labels", unlabelled,
                    layout.labelOf(layout.images().getFirst()));
        }
        List<Path> folders = layout.labels().map(List::of).orElseGet(() -> layout.roots().stream().map(layout::labelFolder).filter(Files::isDirectory).toList());
        folders.stream().distinct().flatMap(YoloLayout::files).filter(file -> file.toString().endsWith(".txt") && !labels.contains(file)
                && !NO_LABELS.contains(file.getFileName().toString())).forEach(file -> findings.add(Finding.NO_IMAGE, "%s", file));
    }

    private Optional<LabelledImage> read(Path image, Path label, ImageSize size, Findings findings) {
        List<Instance> instances = new ArrayList<>();
        if (!Files.exists(label)) {
            findings.add(Finding.BACKGROUND, "%s", image);
        } else {
            List<String> rows;
            try {
                rows = Inputs.lines(label);
            } catch (BadInput e) {
                findings.add(Finding.UNREADABLE, "%s", e.getMessage());
                return Optional.empty();
            }
            for (int i = 0; i < rows.size(); i++) {
                if (!rows.get(i).isEmpty()) {
                    instance(rows.get(i), size, "%s, line %d".formatted(label, i + 1), findings).ifPresent(instances::add);
                }
            }
        }
        String name = layout.imageFolder().relativize(image).toString();
        return Optional.of(new LabelledImage(name, size, instances));
    }

    private Optional<Instance> instance(String row, ImageSize size, String place, Findings findings) {
        String[] columns = row.split("\\s+");
        boolean box = layout.poseValues() > 0 ? columns.length == 5 + layout.poseValues() : columns.length == 5;
        boolean polygon = layout.poseValues() == 0 && columns.length >= 7 && columns.length % 2 == 1;
        if (!box && !polygon) {
            findings.add(Finding.BAD_OBJECT, "%s: %d columns; a box has %d%s", place, columns.length, 5 + layout.poseValues(),
                    layout.poseValues() > 0 ? " with its kpt_shape" : ", a polygon an odd number from 7 on");
            return Optional.empty();
        }
        double[] values = new double[columns.length];
        int looked = box ? 5 : columns.length;
        for (int i = 0; i < looked; i++) {
            values[i] = Numbers.parse(columns[i]).orElse(Double.NaN);
            if (i == 0 ? values[0] != Math.rint(values[0]) : !(values[i] >= -ROUNDING && values[i] <= 1 + ROUNDING)) {
                findings.add(Finding.BAD_OBJECT, i == 0 ? "%s: the class is \"%s\", an index was expected" : "%s: \"%s\" in column %d; a fraction from 0 to 1 was expected",
                        place, columns[i], i + 1);
                return Optional.empty();
            }
        }
        if (values[0] < 0 || values[0] >= layout.names().size()) {
            findings.add(Finding.UNKNOWN_CLASS, "%s: class %s; there are %d, from 0 to %d", place, columns[0], layout.names().size(), layout.names().size() - 1);
            return Optional.empty();
        }
        double left = values[1] - values[3] / 2;
        double top = values[2] - values[4] / 2;
        double right = values[1] + values[3] / 2;
        double bottom = values[2] + values[4] / 2;
        if (polygon) {
            left = right = values[1];
            top = bottom = values[2];
            for (int i = 3; i < values.length; i += 2) {
                left = Math.min(left, values[i]);
                right = Math.max(right, values[i]);
                top = Math.min(top, values[i + 1]);
                bottom = Math.max(bottom, values[i + 1]);
            }
        }
        int category = (int) values[0] + 1;
        return Box.between(left * size.width(), top * size.height(), right * size.width(), bottom * size.height(), size, place, findings)
                .map(b -> new Instance(category, b, null, false));
    }
}
