package org.sparsercnn.eval;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.sparsercnn.data.AnnotationStore;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.util.BadInput;

/**
 * What detections are measured against: every box of an annotation file, unrepaired, because pycocotools repairs nothing.
 *
 * @param annotations the file, shared with whoever else uses it; all its boxes are finite
 */
public record GroundTruth(AnnotationStore annotations) {
    /** @throws BadInput if a box is not finite: no overlap with it is defined */
    public GroundTruth {
        double[] box = new double[4];
        int[] bad = IntStream.range(0, annotations.boxCount()).filter(i -> {
            annotations.copyBoxXywhPx(i, box, 0);
            return !Arrays.stream(box).allMatch(Double::isFinite);
        }).toArray();
        if (bad.length > 0) {
            String ids = Arrays.stream(bad).limit(10).mapToObj(i -> Long.toString(annotations.annotationId(i))).collect(Collectors.joining(", "));
            throw BadInput.of("%s: %d boxes hold numbers that are not finite (annotation ids %s%s): evaluation against them is not"
                    + " defined; correct or remove them", annotations.source(), bad.length, ids, bad.length > 10 ? ", …" : "");
        }
    }

    /** Reads an annotation file; errors are those of {@link AnnotationStore#read} and of the constructor. */
    public static GroundTruth read(Path json) {
        return new GroundTruth(AnnotationStore.read(json));
    }

    public CategoryMap categories() {
        return annotations.categories();
    }
}
