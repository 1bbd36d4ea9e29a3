package org.sparsercnn.eval;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.data.CocoFile;
import org.sparsercnn.data.Dataset;
import org.sparsercnn.data.ImageRecord;
import org.sparsercnn.util.BadInput;

/**
 * What detections are measured against: every box of an annotation file, unrepaired, because pycocotools repairs nothing.
 *
 * @param imageIds (I) ascending
 * @param widths (I) pixels, 0 where the file has none
 * @param heights (I) pixels, 0 where the file has none
 * @param categories the classes
 * @param annotations in file order; image indices point into {@code imageIds}
 */
public record GroundTruth(long[] imageIds, int[] widths, int[] heights, CategoryMap categories, CocoFile.Annotations annotations) {
    /** Reads an annotation file; errors are those of {@link CocoFile#read} and of {@link #of(CocoFile)}. */
    public static GroundTruth read(Path json) {
        return of(CocoFile.read(json));
    }

    /** @throws BadInput if a box is not finite: no overlap with it is defined */
    public static GroundTruth of(CocoFile file) {
        CocoFile.Annotations annotations = file.annotations();
        int[] bad = IntStream.range(0, annotations.count())
                .filter(i -> !IntStream.range(4 * i, 4 * i + 4).allMatch(k -> Double.isFinite(annotations.boxesXywhPx()[k]))).toArray();
        if (bad.length > 0) {
            String ids = Arrays.stream(bad).limit(10).mapToObj(i -> Long.toString(annotations.ids()[i])).collect(Collectors.joining(", "));
            throw BadInput.of("%s: %d boxes hold numbers that are not finite (annotation ids %s%s): evaluation against them is not"
                    + " defined; correct or remove them", file.source(), bad.length, ids, bad.length > 10 ? ", …" : "");
        }
        return new GroundTruth(file.images().ids(), file.images().widths(), file.images().heights(), file.categories(), annotations);
    }

    /** A data set already in memory; its boxes are clipped to their images, which official COCO boxes are anyway. */
    public static GroundTruth of(Dataset dataset) {
        ImageRecord[] images = dataset.images().stream().sorted((a, b) -> Long.compare(a.id(), b.id())).toArray(ImageRecord[]::new);
        int[] imageIndices = IntStream.range(0, images.length)
                .flatMap(i -> IntStream.generate(() -> i).limit(images[i].instances())).toArray();
        boolean[] crowd = new boolean[imageIndices.length];
        int n = 0;
        for (ImageRecord image : images) {
            System.arraycopy(image.crowd(), 0, crowd, n, image.instances());
            n += image.instances();
        }
        return new GroundTruth(Arrays.stream(images).mapToLong(ImageRecord::id).toArray(),
                Arrays.stream(images).mapToInt(ImageRecord::width).toArray(),
                Arrays.stream(images).mapToInt(ImageRecord::height).toArray(), dataset.categories(),
                new CocoFile.Annotations(Arrays.stream(images).flatMapToLong(image -> LongStream.of(image.annotationIds())).toArray(),
                        imageIndices, Arrays.stream(images).flatMapToInt(image -> IntStream.of(image.classes())).toArray(),
                        Arrays.stream(images).flatMapToDouble(image -> DoubleStream.of(image.boxesXywhPx())).toArray(),
                        Arrays.stream(images).flatMapToDouble(image -> DoubleStream.of(image.areas())).toArray(), crowd,
                        new boolean[crowd.length]));
    }
}
