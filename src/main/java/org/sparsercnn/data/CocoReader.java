package org.sparsercnn.data;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
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
    private static final Logger LOG = LoggerFactory.getLogger(CocoReader.class);
    private static final double ROUNDING_PX = 0.5;

    private CocoReader() {}

    /**
     * @param name the data set's name in messages
     * @param strict refuse the file for any box that would be repaired or dropped (--strict-data)
     * @throws BadInput for everything {@link CocoFile#read} refuses, an image without name or size, or bad boxes if strict
     */
    public static Dataset read(String name, Path json, Path imageRoot, boolean strict) {
        return dataset(name, CocoFile.read(json), imageRoot, strict);
    }

    static Dataset dataset(String name, CocoFile file, Path imageRoot, boolean strict) {
        CocoFile.Annotations annotations = file.annotations();
        int[] order = byImage(file);
        AnnotationAudit.Builder audit = new AnnotationAudit.Builder();
        List<ImageRecord> images = new ArrayList<>(file.images().count());
        int next = 0;
        int flagged = 0;
        for (int image = 0; image < file.images().count(); image++) {
            requireNameAndSize(file, image);
            int from = next;
            while (next < order.length && annotations.imageIndices()[order[next]] == image) {
                flagged += annotations.ignore()[order[next]] ? 1 : 0;
                next++;
            }
            images.add(image(file, image, Arrays.copyOfRange(order, from, next), imageRoot, audit));
        }
        AnnotationAudit found = audit.build();
        if (strict && !found.clean()) {
            throw BadInput.of("%s: --strict-data refuses %,d boxes:%n%s", file.source(), found.total(), found);
        }
        report(name, file, found, flagged);
        return new Dataset(name, images, file.categories(), found);
    }

    /** Annotation indices grouped by image, in file order within one. */
    private static int[] byImage(CocoFile file) {
        int[] imageOf = file.annotations().imageIndices();
        int[] start = new int[file.images().count() + 1];
        for (int image : imageOf) {
            start[image + 1]++;
        }
        Arrays.parallelPrefix(start, Integer::sum);
        int[] order = new int[imageOf.length];
        for (int i = 0; i < imageOf.length; i++) {
            order[start[imageOf[i]]++] = i;
        }
        return order;
    }

    private static ImageRecord image(CocoFile file, int image, int[] members, Path imageRoot, AnnotationAudit.Builder audit) {
        CocoFile.Images images = file.images();
        CocoFile.Annotations all = file.annotations();
        int width = images.widths()[image];
        int height = images.heights()[image];
        double[] boxesXywhPx = new double[4 * members.length];
        int[] kept = new int[members.length];
        int n = 0;
        for (int member : members) {
            System.arraycopy(all.boxesXywhPx(), 4 * member, boxesXywhPx, 4 * n, 4);
            Finding finding = repair(boxesXywhPx, 4 * n, width, height);
            if (finding != null) {
                audit.add(finding, all.ids()[member]);
            }
            if (finding == null || finding == Finding.OVERHANGING) {
                kept[n++] = member;
            }
        }
        int[] classes = new int[n];
        boolean[] crowd = new boolean[n];
        double[] areas = new double[n];
        long[] ids = new long[n];
        for (int i = 0; i < n; i++) {
            int member = kept[i];
            classes[i] = all.classes()[member];
            crowd[i] = all.crowd()[member] || all.ignore()[member];
            areas[i] = all.areas()[member];
            ids[i] = all.ids()[member];
        }
        String fileName = images.fileNames()[image];
        return new ImageRecord(images.ids()[image], fileName, path(file, imageRoot, fileName), width, height,
                Arrays.copyOf(boxesXywhPx, 4 * n), classes, crowd, areas, ids);
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

    private static void requireNameAndSize(CocoFile file, int image) {
        CocoFile.Images images = file.images();
        String missing = images.fileNames()[image] == null ? "file_name"
                : images.widths()[image] <= 0 ? "width" : images.heights()[image] <= 0 ? "height" : null;
        if (missing != null) {
            throw BadInput.of("%s: image id %d has no usable \"%s\"; every image needs file_name, width and height", file.source(),
                    images.ids()[image], missing);
        }
    }

    private static Path path(CocoFile file, Path imageRoot, String fileName) {
        try {
            return imageRoot.resolve(fileName);
        } catch (InvalidPathException e) {
            throw new BadInput(file.source() + ": \"" + fileName + "\" cannot be a file name: " + e.getReason(), e);
        }
    }

    private static void report(String name, CocoFile file, AnnotationAudit found, int flagged) {
        LOG.info("Loaded {} images in COCO format from {}", file.images().count(), file.source());
        if (!file.categories().contiguousFromOne() && !name.contains("coco")) {
            LOG.warn("Category ids in annotations are not in [1, #categories]! We'll apply a mapping for you.");
        }
        Set<String> repeated = file.categories().repeatedNames();
        if (!repeated.isEmpty()) {
            LOG.warn("{}: several categories share a name: {}", file.source(), repeated);
        }
        if (flagged > 0) {
            LOG.warn("{}: {} annotations flagged \"ignore\" are kept out of training like crowd regions", file.source(), flagged);
        }
        if (!found.clean()) {
            LOG.warn("{}: boxes repaired or dropped:\n{}", file.source(), found);
        }
    }
}
