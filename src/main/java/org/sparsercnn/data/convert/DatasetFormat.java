package org.sparsercnn.data.convert;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.sparsercnn.util.BadInput;

/** Formats of labels that become COCO's. */
public enum DatasetFormat {
    VOC, CROWDHUMAN, YOLO;

    /** @throws BadInput if folders, lists or class names are missing or contradict each other, or are of no use for this format */
    public LabelSource open(Inputs inputs) {
        if (this != YOLO && inputs.labels().isPresent()) {
            throw new BadInput("--labels: only YOLO keeps labels in a folder of their own; leave it out for " + this);
        }
        if (this != VOC && inputs.difficult() != Difficult.CROWD) {
            throw new BadInput("--difficult: only Pascal VOC flags objects as difficult; leave it out for " + this);
        }
        return switch (this) {
            case VOC -> new VocSource(inputs);
            case CROWDHUMAN -> new CrowdHumanSource(inputs);
            case YOLO -> new YoloSource(inputs);
        };
    }

    /**
     * The format of what lies at a path, by the names there.
     *
     * @throws BadInput if it is none or could be several
     */
    public static DatasetFormat detect(Path path) {
        String name = path.toString().toLowerCase(Locale.ROOT);
        Set<DatasetFormat> found = EnumSet.noneOf(DatasetFormat.class);
        if (name.endsWith(".odgt") || !Inputs.names(path, ".odgt").isEmpty()) {
            found.add(CROWDHUMAN);
        }
        if (Stream.of("", "Annotations", "annotations").anyMatch(folder -> !Inputs.names(path.resolve(folder), ".xml").isEmpty())) {
            found.add(VOC);
        }
        if (name.matches(".*\\.ya?ml") || Stream.of("data.yaml", "dataset.yaml", "data.yml", "classes.txt", "obj.names", "labels")
                .anyMatch(entry -> Files.exists(path.resolve(entry)))) {
            found.add(YOLO);
        }
        if (found.size() == 1) {
            return found.iterator().next();
        }
        if (!found.isEmpty()) {
            throw BadInput.of("%s: could be %s; say which with --from", path, found.stream().map(DatasetFormat::toString).collect(Collectors.joining(" or ")));
        }
        throw new BadInput(path + ": no known data set; wanted is a folder with Annotations/*.xml (voc), with annotation_*.odgt (crowdhuman), or with"
                + " labels/*.txt, data.yaml or classes.txt (yolo)" + (name.endsWith(".json") ? "; COCO JSON needs no conversion" : ""));
    }

    /** As it is written on the command line. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
