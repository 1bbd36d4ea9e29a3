package org.sparsercnn.data;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.ObjLongConsumer;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.data.AnnotationAudit.Finding;
import org.sparsercnn.util.BadInput;

/**
 * Makes a {@link Dataset} of a COCO annotation file: images by ascending id, instances in file order, boxes inside their image.
 *
 * <p>A box that reaches out of its image is clipped; one that is empty, wholly outside or not finite is dropped; both are
 * counted in the {@link AnnotationAudit}. Overhang of less than half a pixel is rounding, common in exported labels: clipped, not
 * counted. Annotations flagged "ignore" (detectron2 refuses such files) are kept out of training like crowd regions.
 */
public final class CocoReader {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.data");
    private static final double ROUNDING_PX = 0.5;

    private CocoReader() {}

    /**
     * @param name the data set's name in messages
     * @param strict refuse the file for any box that would be repaired or dropped (--strict-data)
     * @throws BadInput for everything {@link AnnotationStore#read} refuses, an image without name or size, or bad boxes if strict
     */
    public static Dataset read(String name, Path json, Path imageRoot, boolean strict) {
        return dataset(name, AnnotationStore.read(json), imageRoot, strict);
    }

    /** The same for a file already read. Its images are made of the store when asked for, boxes repaired anew; here only counted. */
    static Dataset dataset(String name, AnnotationStore store, Path imageRoot, boolean strict) {
        AnnotationAudit audit = new AnnotationAudit();
        for (int image = 0; image < store.imageCount(); image++) {
            requireNameAndSize(store, image);
            image(store, image, imageRoot, audit::add);
        }
        if (strict && !audit.clean()) {
            throw BadInput.of("%s: --strict-data refuses %,d boxes:%n%s", store.source(), audit.total(), audit);
        }
        warn(name, store);
        List<ImageRecord> images = Dataset.madeOnDemand(store.imageCount(), i -> image(store, i, imageRoot, (_, _) -> {}));
        return new Dataset(name, store.source().toString(), images, store.categories(), audit);
    }

    private static ImageRecord image(AnnotationStore store, int image, Path imageRoot, ObjLongConsumer<Finding> audit) {
        int width = store.width(image);
        int height = store.height(image);
        int from = store.firstBox(image);
        int members = store.firstBox(image + 1) - from;
        double[] boxesXywhPx = new double[4 * members];
        int[] classes = new int[members];
        boolean[] crowd = new boolean[members];
        double[] areas = new double[members];
        long[] ids = new long[members];
        int n = 0;
        for (int box = from; box < from + members; box++) {
            store.copyBoxXywhPx(box, boxesXywhPx, 4 * n);
            Finding finding = repair(boxesXywhPx, 4 * n, width, height);
            if (finding != null) {
                audit.accept(finding, store.annotationId(box));
            }
            if (finding == null || finding == Finding.OVERHANGING) {
                classes[n] = store.classIndex(box);
                crowd[n] = store.isCrowd(box) || store.isIgnored(box);
                areas[n] = store.area(box);
                ids[n++] = store.annotationId(box);
            }
        }
        String fileName = store.fileName(image);
        Path file = path(store, imageRoot, fileName);
        return n == members ? new ImageRecord(store.imageId(image), fileName, file, width, height, boxesXywhPx, classes, crowd, areas, ids)
                : new ImageRecord(store.imageId(image), fileName, file, width, height, Arrays.copyOf(boxesXywhPx, 4 * n),
                        Arrays.copyOf(classes, n), Arrays.copyOf(crowd, n), Arrays.copyOf(areas, n), Arrays.copyOf(ids, n));
    }

    /** Clips the box at offset {@code o} in place; null when nothing worth a report was wrong. */
    private static Finding repair(double[] boxesXywhPx, int o, int width, int height) {
        double x = boxesXywhPx[o];
        double y = boxesXywhPx[o + 1];
        double w = boxesXywhPx[o + 2];
        double h = boxesXywhPx[o + 3];
        if (!Double.isFinite(x) || !Double.isFinite(y) || !Double.isFinite(w) || !Double.isFinite(h)) {
            return Finding.NOT_FINITE;
        }
        if (w <= 0 || h <= 0) {
            return Finding.EMPTY;
        }
        if (x >= 0 && y >= 0 && x + w <= width && y + h <= height) {
            return null; // the usual case keeps its digits
        }
        double x1 = Math.max(x, 0);
        double y1 = Math.max(y, 0);
        double x2 = Math.min(x + w, width);
        double y2 = Math.min(y + h, height);
        if (x2 <= x1 || y2 <= y1) {
            return Finding.OUTSIDE;
        }
        boxesXywhPx[o] = x1;
        boxesXywhPx[o + 1] = y1;
        boxesXywhPx[o + 2] = x2 - x1;
        boxesXywhPx[o + 3] = y2 - y1;
        double overhang = Math.max(Math.max(-x, -y), Math.max(x + w - width, y + h - height));
        return overhang > ROUNDING_PX ? Finding.OVERHANGING : null;
    }

    private static void requireNameAndSize(AnnotationStore store, int image) {
        String missing = store.fileName(image).isEmpty() ? "file_name"
                : store.width(image) <= 0 ? "width" : store.height(image) <= 0 ? "height" : null;
        if (missing != null) {
            throw BadInput.of("%s: image id %d has no usable \"%s\"; every image needs file_name, width and height", store.source(),
                    store.imageId(image), missing);
        }
    }

    private static Path path(AnnotationStore store, Path imageRoot, String fileName) {
        try {
            return imageRoot.resolve(fileName);
        } catch (InvalidPathException e) {
            throw new BadInput(store.source() + ": \"" + fileName + "\" cannot be a file name: " + e.getReason(), e);
        }
    }

    private static void warn(String name, AnnotationStore store) {
        if (!store.categories().contiguousFromOne() && !name.contains("coco")) {
            LOG.warn("Category ids in annotations are not in [1, #categories]! We'll apply a mapping for you.");
        }
        Set<String> repeated = store.categories().repeatedNames();
        if (!repeated.isEmpty()) {
            LOG.warn("{}: several categories share a name: {}", store.source(), repeated);
        }
        long flagged = IntStream.range(0, store.boxCount()).filter(store::isIgnored).count();
        if (flagged > 0) {
            LOG.warn("{}: {} annotations flagged \"ignore\" are kept out of training like crowd regions", store.source(), flagged);
        }
    }
}
