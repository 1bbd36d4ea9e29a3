package org.sparsercnn.data;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.util.BadInput;

/**
 * A COCO annotation file as it stands, references resolved, nothing repaired: I images by ascending id and M boxes image by image,
 * in file order within one. Training repairs boxes where it makes an {@link ImageRecord} ({@link CocoReader}); evaluation must see
 * them as pycocotools does.
 *
 * <p>Every field is a column outside the heap, 53 bytes a box and 28 an image besides its name, so that a large data set costs the
 * garbage collector nothing and training, evaluation and all replicas share one copy. The memory goes with the last reference to the
 * store. Immutable, for any number of threads.
 */
public final class AnnotationStore {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.data");

    static final int CROWD = 1;
    static final int IGNORE = 2;

    private final Path source;
    private final CategoryMap categories;
    private final int imageCount;
    private final int boxCount;
    final MemorySegment imageIds; // long (I), ascending
    final MemorySegment widths; // int (I)
    final MemorySegment heights; // int (I)
    final MemorySegment nameStarts; // int (I + 1), into names
    final MemorySegment names; // UTF-8
    final MemorySegment boxStarts; // int (I + 1), into the columns below
    final MemorySegment firstPlaces; // int (I), see imagesInFileOrder
    final MemorySegment annotationIds; // long (M)
    final MemorySegment classes; // int (M)
    final MemorySegment boxes; // double (M, 4), xywh
    final MemorySegment areas; // double (M)
    final MemorySegment flags; // byte (M)

    /** Empty columns, to be filled by {@link AnnotationStoreBuilder}. */
    AnnotationStore(Path source, CategoryMap categories, int imageCount, long nameBytes, int boxCount) {
        this.source = source;
        this.categories = categories;
        this.imageCount = imageCount;
        this.boxCount = boxCount;
        Arena arena = Arena.ofAuto(); // as long as anybody holds the store: data sets, ground truths and their views have no common end
        imageIds = arena.allocate(JAVA_LONG, imageCount);
        widths = arena.allocate(JAVA_INT, imageCount);
        heights = arena.allocate(JAVA_INT, imageCount);
        nameStarts = arena.allocate(JAVA_INT, imageCount + 1L);
        names = arena.allocate(nameBytes);
        boxStarts = arena.allocate(JAVA_INT, imageCount + 1L);
        firstPlaces = arena.allocate(JAVA_INT, imageCount);
        annotationIds = arena.allocate(JAVA_LONG, boxCount);
        classes = arena.allocate(JAVA_INT, boxCount);
        boxes = arena.allocate(JAVA_DOUBLE, 4L * boxCount);
        areas = arena.allocate(JAVA_DOUBLE, boxCount);
        flags = arena.allocate(boxCount);
    }

    /**
     * Reads an instances file in one pass; segmentations and other keys are passed over.
     *
     * @throws BadInput if it is missing, no JSON, not COCO's layout, lacks a key, has no image or category, repeats an id, or refers to an
     *     image or category that it does not list
     */
    public static AnnotationStore read(Path json) {
        long start = System.nanoTime();
        AnnotationStore store = JsonStream.read(json, in -> new CocoParser(json, in).parse());
        LOG.info("{}", String.format(Locale.ROOT, "Loaded %,d images in COCO format from %s in %.1f s (%s)", store.imageCount, json,
                (System.nanoTime() - start) * 1e-9, store.memoryText()));
        return store;
    }

    /** The file. */
    public Path source() {
        return source;
    }

    public CategoryMap categories() {
        return categories;
    }

    /** I. */
    public int imageCount() {
        return imageCount;
    }

    /** Ids ascend with {@code image}. */
    public long imageId(int image) {
        return imageIds.getAtIndex(JAVA_LONG, image);
    }

    /** The place of an image id, or -1. */
    public int imageIndex(long imageId) {
        int low = 0;
        int high = imageCount - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            long found = imageId(middle);
            if (found == imageId) {
                return middle;
            }
            if (found < imageId) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return -1;
    }

    /** The name in the file; empty where it has none. */
    public String fileName(int image) {
        int start = nameStarts.getAtIndex(JAVA_INT, image);
        byte[] bytes = new byte[nameStarts.getAtIndex(JAVA_INT, image + 1L) - start];
        MemorySegment.copy(names, JAVA_BYTE, start, bytes, 0, bytes.length);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** Pixels; 0 where the file has none. */
    public int width(int image) {
        return widths.getAtIndex(JAVA_INT, image);
    }

    /** Pixels; 0 where the file has none. */
    public int height(int image) {
        return heights.getAtIndex(JAVA_INT, image);
    }

    /** Where the boxes of an image begin; they end where those of the next begin, {@code firstBox(I)} is M. */
    public int firstBox(int image) {
        return boxStarts.getAtIndex(JAVA_INT, image);
    }

    /**
     * All images by the place of their first box in the file, those without boxes last: the order in which CrowdHuman's script
     * ranks equal scores, which is that of the file's boxes, lost otherwise.
     */
    public int[] imagesInFileOrder() {
        long[] keys = new long[imageCount];
        Arrays.setAll(keys, image -> (long) firstPlaces.getAtIndex(JAVA_INT, image) << 32 | image);
        Arrays.sort(keys);
        return Arrays.stream(keys).mapToInt(key -> (int) key).toArray();
    }

    /** M, crowd regions included. */
    public int boxCount() {
        return boxCount;
    }

    public long annotationId(int box) {
        return annotationIds.getAtIndex(JAVA_LONG, box);
    }

    /** Contiguous class index. */
    public int classIndex(int box) {
        return classes.getAtIndex(JAVA_INT, box);
    }

    /** Copies (x, y, width, height) in pixels to {@code target[offset…]}. */
    public void copyBoxXywhPx(int box, double[] target, int offset) {
        MemorySegment.copy(boxes, JAVA_DOUBLE, 4L * box * Double.BYTES, target, offset, 4);
    }

    /** Square pixels as stated (COCO: of the mask); the box's own area where the file states none. */
    public double area(int box) {
        return areas.getAtIndex(JAVA_DOUBLE, box);
    }

    /** iscrowd. */
    public boolean isCrowd(int box) {
        return (flags.get(JAVA_BYTE, box) & CROWD) != 0;
    }

    /** The "ignore" flag of CrowdHuman and some converters; pycocotools overwrites it by iscrowd. */
    public boolean isIgnored(int box) {
        return (flags.get(JAVA_BYTE, box) & IGNORE) != 0;
    }

    /** All columns, bytes. */
    public long byteSize() {
        return imageBytes() + boxBytes();
    }

    /** What it costs: {@code 50.77 MB outside the heap: 44.0 bytes an image, 53.0 bytes a box}. */
    public String memoryText() {
        return String.format(Locale.ROOT, "%.2f MB outside the heap: %.1f bytes an image", byteSize() / 1e6, (double) imageBytes() / imageCount)
                + (boxCount == 0 ? "" : String.format(Locale.ROOT, ", %.1f bytes a box", (double) boxBytes() / boxCount));
    }

    private long imageBytes() {
        return imageIds.byteSize() + widths.byteSize() + heights.byteSize() + nameStarts.byteSize() + names.byteSize() + boxStarts.byteSize()
                + firstPlaces.byteSize();
    }

    private long boxBytes() {
        return annotationIds.byteSize() + classes.byteSize() + boxes.byteSize() + areas.byteSize() + flags.byteSize();
    }
}
