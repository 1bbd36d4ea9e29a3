package org.sparsercnn.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.IntStream;
import org.sparsercnn.data.AnnotationAudit.Finding;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Examples;

/**
 * What is in a data set, told before anything is trained or measured on it: for whoever gets an AP of 0 and does not know why.
 * Boxes are those that training sees; a box counts as small below 32x32 pixels of area and as large from 96x96, as in COCO's metrics.
 */
public final class Preflight {
    private static final double MEDIUM_AREA = 32 * 32;
    private static final double LARGE_AREA = 96 * 96;
    /** More classes than this are shown by the most frequent and the rarest. */
    private static final int CLASSES_SHOWN = 30;
    private static final int RAREST_SHOWN = 9;
    private static final int CLASSES_PER_LINE = 3;
    /** Boxes that reach out of their image, as a share of all, from which on the format is doubted (of CrowdHuman's, a third do). */
    private static final double SUSPICIOUS_SHARE = 0.5;

    private final Dataset set;
    private final int proposals;
    private final int[] perClass;
    private final List<ImageSize> sizes = new ArrayList<>();
    private final int[] boxesBySize = new int[3];
    private int boxes;
    private int crowds;
    private int withinUnit;
    private int most;
    private long mostId;
    private final Examples empty = new Examples();
    private final Examples crowded = new Examples();
    private final Examples repeatedNames = new Examples();
    private final Examples missing = new Examples();
    private Path firstMissing;
    private final ImageFiles files = new ImageFiles();

    private Preflight(Dataset set, int proposals) {
        this.set = set;
        this.proposals = proposals;
        this.perClass = new int[set.categories().size()];
        Set<Path> paths = new HashSet<>();
        for (ImageRecord image : set.images()) {
            if (!paths.add(image.file())) {
                repeatedNames.add(image.fileName());
            }
            if (!files.exists(image.file())) {
                missing.add(image.fileName());
                firstMissing = firstMissing == null ? image.file() : firstMissing;
            }
            sizes.add(new ImageSize(image.width(), image.height()));
            count(image);
        }
        sizes.sort(Comparator.comparingLong(size -> (long) size.width() * size.height()));
    }

    private void count(ImageRecord image) {
        int objects = image.trainable();
        if (objects == 0) {
            empty.add(image.id());
        }
        if (objects > proposals) {
            crowded.add(image.id());
        }
        if (objects > most) {
            most = objects;
            mostId = image.id();
        }
        boxes += objects;
        crowds += image.instances() - objects;
        for (int i = 0; i < image.instances(); i++) {
            if (!image.crowd()[i]) {
                perClass[image.classes()[i]]++;
                boxesBySize[image.areas()[i] < MEDIUM_AREA ? 0 : image.areas()[i] < LARGE_AREA ? 1 : 2]++;
                int at = 4 * i;
                withinUnit += IntStream.range(at, at + 4).allMatch(k -> image.boxesXywhPx()[k] <= 1) ? 1 : 0;
            }
        }
    }

    /**
     * Goes through {@code set} once and lists its image folders.
     *
     * @param proposals MODEL.SparseRCNN.NUM_PROPOSALS: so many objects can be found in an image
     */
    public static Preflight of(Dataset set, int proposals) {
        return new Preflight(set, proposals);
    }

    /** @throws BadInput if image files are not where the data set says, with the first ten of them */
    public void requireImageFiles() {
        if (missing.count() > 0) {
            throw BadInput.of("data set %s: %d of %d image files are missing: %s; the first should be %s, but %s; put them there, or correct the image"
                    + " folder or the file_name entries of %s", set.name(), missing.count(), set.size(), missing, firstMissing,
                    files.surroundings(firstMissing), set.source());
        }
    }

    /** The facts, on several lines. */
    public String text() {
        List<String> lines = new ArrayList<>();
        lines.add("Data set " + set.name() + " (" + set.source() + ")");
        ImageSize smallest = sizes.getFirst();
        ImageSize largest = sizes.getLast();
        line(lines, "images", set.size(), smallest.equals(largest) ? "all " + smallest
                : text("%s to %s pixels, the median %s", smallest, largest, sizes.get(sizes.size() / 2)));
        line(lines, "without boxes", empty.count(), empty.count() == 0 ? "" : "image ids " + empty);
        line(lines, "boxes", boxes, boxes == 0 ? "" : text("%s small, %s medium, %s large", percent(boxesBySize[0]), percent(boxesBySize[1]),
                percent(boxesBySize[2])));
        line(lines, "crowd regions", crowds, crowds == 0 ? "" : "not trained on");
        line(lines, "most in an image", most, most == 0 ? "" : text("image id %d; %.1f on average", mostId, (double) boxes / set.size()));
        line(lines, "repaired boxes", set.audit().total(), set.audit().clean() ? "" : "see below");
        line(lines, "classes", perClass.length, "");
        lines.addAll(classTable());
        return String.join("\n", lines);
    }

    private static void line(List<String> lines, String name, int count, String more) {
        lines.add(text("  %-16s %,9d  %s", name, count, more).stripTrailing());
    }

    private static String text(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }

    private String percent(int part) {
        return Math.round(100.0 * part / boxes) + " %";
    }

    /** Boxes of each class, the most frequent first. */
    private List<String> classTable() {
        List<Integer> order = IntStream.range(0, perClass.length).boxed().sorted(Comparator.comparingInt(k -> -perClass[k])).toList();
        if (order.size() <= CLASSES_SHOWN) {
            return rows(order);
        }
        int frequent = CLASSES_SHOWN - RAREST_SHOWN;
        int rarest = order.size() - RAREST_SHOWN;
        List<String> lines = new ArrayList<>(rows(order.subList(0, frequent)));
        lines.add(text("    … %,d classes of %,d to %,d boxes …", rarest - frequent, perClass[order.get(rarest - 1)], perClass[order.get(frequent)]));
        lines.addAll(rows(order.subList(rarest, order.size())));
        return lines;
    }

    private List<String> rows(List<Integer> classes) {
        int width = IntStream.range(0, perClass.length).map(k -> set.categories().name(k).length()).max().orElse(0);
        List<String> lines = new ArrayList<>();
        for (int from = 0; from < classes.size(); from += CLASSES_PER_LINE) {
            StringBuilder line = new StringBuilder("   ");
            for (int k : classes.subList(from, Math.min(from + CLASSES_PER_LINE, classes.size()))) {
                line.append(text(" %-" + Math.max(width, 1) + "s %,9d  ", set.categories().name(k), perClass[k]));
            }
            lines.add(line.toString().stripTrailing());
        }
        return lines;
    }

    /** What may be wrong, each with what to do about it; none for most data sets. */
    public List<String> warnings() {
        List<String> warnings = new ArrayList<>();
        if (!set.audit().clean()) {
            warnings.add("boxes repaired or dropped for training (evaluation takes the file as it stands):\n" + set.audit());
        }
        int outside = set.audit().ids(Finding.OUTSIDE).count();
        int overhanging = set.audit().ids(Finding.OVERHANGING).count() + outside;
        if (overhanging > SUSPICIOUS_SHARE * (boxes + crowds + outside)) {
            warnings.add(text("%,d boxes reach out of their images: a \"bbox\" is [x, y, width, height] in pixels of the image; these look like"
                    + " [x1, y1, x2, y2], or like boxes of images of another size", overhanging));
        }
        if (boxes == 0) {
            warnings.add("there is no box at all: nothing can be learned from it, and AP is n/a");
        } else if (withinUnit > boxes / 2) {
            warnings.add("most boxes lie between 0 and 1: a \"bbox\" is in pixels; these look like shares of the image's sides, as YOLO writes them");
        }
        Examples unused = Examples.of(IntStream.range(0, boxes == 0 ? 0 : perClass.length).filter(k -> perClass[k] == 0).mapToObj(set.categories()::name));
        if (unused.count() > 0) {
            warnings.add(text("classes without a single box (%,d of %,d) cannot be learned, and their AP is n/a: %s", unused.count(), perClass.length, unused));
        }
        if (crowded.count() > 0) {
            warnings.add(text("%,d images hold more objects than the %d that MODEL.SparseRCNN.NUM_PROPOSALS lets be found in one: image ids %s;"
                    + " the fullest holds %,d", crowded.count(), proposals, crowded, most));
        }
        if (repeatedNames.count() > 0) {
            warnings.add(text("%,d file names occur more than once: one picture under several image ids, each perhaps with a part of its boxes: %s",
                    repeatedNames.count(), repeatedNames));
        }
        return warnings.stream().map(warning -> set.name() + ": " + warning).toList();
    }
}
