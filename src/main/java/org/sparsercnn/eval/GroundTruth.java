package org.sparsercnn.eval;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.sparsercnn.data.AnnotationStore;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Examples;

/**
 * What detections are measured against: every box of an annotation file, unrepaired, because pycocotools repairs nothing.
 *
 * @param annotations the file, shared with whoever else uses it; all its boxes are finite
 */
public record GroundTruth(AnnotationStore annotations) {
    /** @throws BadInput if a box is not finite: no overlap with it is defined */
    public GroundTruth {
        double[] box = new double[4];
        Examples bad = Examples.of(IntStream.range(0, annotations.boxCount()).filter(i -> {
            annotations.copyBoxXywhPx(i, box, 0);
            return !Arrays.stream(box).allMatch(Double::isFinite);
        }).mapToLong(annotations::annotationId));
        if (bad.count() > 0) {
            throw BadInput.of("%s: %d boxes hold numbers that are not finite (annotation ids %s): evaluation against them is not"
                    + " defined; correct or remove them", annotations.source(), bad.count(), bad);
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
