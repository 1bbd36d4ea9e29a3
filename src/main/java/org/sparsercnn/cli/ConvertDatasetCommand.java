package org.sparsercnn.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.sparsercnn.app.DatasetConversion;
import org.sparsercnn.data.convert.DatasetFormat;
import org.sparsercnn.data.convert.Difficult;
import org.sparsercnn.data.convert.Inputs;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code convert-dataset}: labels of other formats to COCO JSON. */
@Command(name = "convert-dataset", description = "Convert labels of Pascal VOC, CrowdHuman or YOLO to COCO JSON. Images stay where they are.")
final class ConvertDatasetCommand implements Callable<Integer> {
    @ParentCommand
    private Main main;

    @Parameters(paramLabel = "PATH", description = "The data set's folder; or annotation_train.odgt, or data.yaml.")
    private Path path;

    @Option(names = "--from", paramLabel = "FORMAT", description = "voc, crowdhuman or yolo (default: what the names in PATH tell).")
    private DatasetFormat from;

    @Option(names = "--output", required = true, paramLabel = "FILE", description = "The COCO JSON to write.")
    private Path output;

    @Option(names = "--split", paramLabel = "NAME", description = "Only the images of a split: its name, such as train, or a file with a list; may be"
            + " repeated (default: all images).")
    private List<String> splits = List.of();

    @Option(names = "--images", paramLabel = "FOLDER", description = "The images (default: at their usual place in PATH).")
    private Path images;

    @Option(names = "--labels", paramLabel = "FOLDER", description = "YOLO's label files (default: labels for images in the images' path).")
    private Path labels;

    @Option(names = "--classes", paramLabel = "A,B,C", description = "Class names in the order of their ids 1, 2, 3; or a file with one a line (default:"
            + " those of the data, Pascal VOC's sorted).")
    private String classes = "";

    @Option(names = "--difficult", paramLabel = "HOW", defaultValue = "crowd", description = "Pascal VOC's difficult objects: crowd (default; not trained"
            + " on, not scored), keep or drop.")
    private Difficult difficult;

    @Option(names = "--skip-bad", description = "Leave out what is bad, and say so, instead of refusing all.")
    private boolean skipBad;

    @Override
    public Integer call() {
        Inputs inputs = new Inputs(path, Optional.ofNullable(images), Optional.ofNullable(labels), splits, Inputs.classNames(classes), difficult);
        DatasetConversion.run(main.environment(), new DatasetConversion.Options(Optional.ofNullable(from), inputs, skipBad, output));
        return Main.OK;
    }
}
