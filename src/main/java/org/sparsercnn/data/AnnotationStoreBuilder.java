package org.sparsercnn.data;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Examples;

/**
 * Makes an {@link AnnotationStore}: entries in any order, as a file lists them, kept in rows outside the heap; {@link #build} then
 * resolves ids to indices and sorts rows into columns.
 */
final class AnnotationStoreBuilder implements AutoCloseable {
    // Image rows: id, width, height, where the name ends. Annotation rows: id, image id, category id, box, area, flags.
    private static final int IMAGE_ROW = 24;
    private static final int WIDTH = 8;
    private static final int HEIGHT = 12;
    private static final int NAME_END = 16;
    private static final int ANNOTATION_ROW = 72;
    private static final int IMAGE = 8;
    private static final int CATEGORY = 16;
    private static final int BOX = 24;
    private static final int AREA = 56;
    private static final int FLAGS = 64;

    private final Path source;
    private final RowBuffer images = new RowBuffer(1 << 16);
    private final RowBuffer names = new RowBuffer(1 << 16);
    private final RowBuffer annotations = new RowBuffer(1 << 16);
    private final LongStream.Builder categoryIds = LongStream.builder();
    private final List<String> categoryNames = new ArrayList<>();

    AnnotationStoreBuilder(Path source) {
        this.source = source;
    }

    /** @param fileName empty where there is none; sizes 0 likewise */
    void image(long id, String fileName, int width, int height) {
        byte[] name = fileName.getBytes(StandardCharsets.UTF_8);
        long start = names.append(name.length);
        MemorySegment.copy(name, 0, names.memory(), JAVA_BYTE, start, name.length);
        long row = images.append(IMAGE_ROW);
        images.memory().set(JAVA_LONG, row, id);
        images.memory().set(JAVA_INT, row + WIDTH, width);
        images.memory().set(JAVA_INT, row + HEIGHT, height);
        images.memory().set(JAVA_LONG, row + NAME_END, names.used());
    }

    /** @param flags {@link AnnotationStore#CROWD}, {@link AnnotationStore#IGNORE} */
    void annotation(long id, long imageId, long categoryId, double[] boxXywhPx, double area, int flags) {
        long row = annotations.append(ANNOTATION_ROW);
        MemorySegment memory = annotations.memory();
        memory.set(JAVA_LONG, row, id);
        memory.set(JAVA_LONG, row + IMAGE, imageId);
        memory.set(JAVA_LONG, row + CATEGORY, categoryId);
        MemorySegment.copy(boxXywhPx, 0, memory, JAVA_DOUBLE, row + BOX, 4);
        memory.set(JAVA_DOUBLE, row + AREA, area);
        memory.set(JAVA_INT, row + FLAGS, flags);
    }

    void category(long id, String name) {
        categoryIds.add(id);
        categoryNames.add(name);
    }

    /** @throws BadInput if there is no image or category, an id repeats, or an annotation's image or category is not listed */
    AnnotationStore build() {
        int imageCount = rows(images, IMAGE_ROW);
        int boxCount = rows(annotations, ANNOTATION_ROW);
        if (imageCount == 0) {
            throw new BadInput(source + ": zero images: \"images\" is empty, there is nothing to train on or to evaluate");
        }
        if (categoryNames.isEmpty()) {
            throw new BadInput(source + ": zero categories: \"categories\" is empty, boxes would have no class; list the classes there");
        }
        long[] imageIds = sortedIds(images, IMAGE_ROW, imageCount);
        refuseRepeated("image", imageIds);
        long[] listed = categoryIds.build().toArray();
        refuseRepeated("category", Arrays.stream(listed).sorted().toArray());
        if (!source.getFileName().toString().contains("minival")) { // COCO 2014's published minival files repeat some
            refuseRepeated("annotation", sortedIds(annotations, ANNOTATION_ROW, boxCount));
        }
        CategoryMap categories = new CategoryMap(listed, categoryNames);
        int[] imageOf = indices(IMAGE, boxCount, id -> Arrays.binarySearch(imageIds, id), "image", "images");
        int[] classOf = indices(CATEGORY, boxCount, categories::indexOf, "category", "categories");
        AnnotationStore store = new AnnotationStore(source, categories, imageCount, names.used(), boxCount);
        fillImages(store, imageIds);
        fillBoxes(store, imageOf, classOf);
        return store;
    }

    private int rows(RowBuffer buffer, int rowSize) {
        long count = buffer.used() / rowSize;
        if (count > Integer.MAX_VALUE / 2 || names.used() > Integer.MAX_VALUE) {
            throw new BadInput(source + ": more than a thousand million entries");
        }
        return (int) count;
    }

    private static long[] sortedIds(RowBuffer buffer, int rowSize, int count) {
        long[] ids = new long[count];
        Arrays.setAll(ids, i -> buffer.memory().get(JAVA_LONG, (long) i * rowSize));
        Arrays.sort(ids);
        return ids;
    }

    private void refuseRepeated(String what, long[] sorted) {
        Examples repeated = Examples.of(IntStream.range(1, sorted.length).filter(i -> sorted[i] == sorted[i - 1]).mapToLong(i -> sorted[i]).distinct());
        if (repeated.count() > 0) {
            throw BadInput.of("%s: %s ids must be unique, but %d occur more than once: %s; renumber them", source, what, repeated.count(), repeated);
        }
    }

    private interface Index {
        int of(long id);
    }

    /** The indices of what the annotations refer to, in file order. */
    private int[] indices(int field, int boxCount, Index index, String what, String section) {
        int[] found = new int[boxCount];
        for (int i = 0; i < boxCount; i++) {
            found[i] = index.of(annotationField(i, field));
        }
        int[] unknown = IntStream.range(0, boxCount).filter(i -> found[i] < 0).toArray();
        if (unknown.length > 0) {
            throw BadInput.of("%s: unknown %s id %s in %d annotations (ids %s): \"%s\" does not list it; add it there or remove these"
                            + " annotations", source, what, Examples.of(Arrays.stream(unknown).mapToLong(i -> annotationField(i, field)).distinct()),
                    unknown.length, Examples.of(Arrays.stream(unknown).mapToLong(i -> annotationField(i, 0))), section);
        }
        return found;
    }

    private long annotationField(int row, int field) {
        return annotations.memory().get(JAVA_LONG, (long) row * ANNOTATION_ROW + field);
    }

    private void fillImages(AnnotationStore store, long[] sortedIds) {
        MemorySegment rows = images.memory();
        int[] rowOf = new int[sortedIds.length];
        for (int i = 0; i < sortedIds.length; i++) {
            rowOf[Arrays.binarySearch(sortedIds, rows.get(JAVA_LONG, (long) i * IMAGE_ROW))] = i;
        }
        long nameStart = 0;
        for (int image = 0; image < sortedIds.length; image++) {
            long row = (long) rowOf[image] * IMAGE_ROW;
            store.imageIds.setAtIndex(JAVA_LONG, image, sortedIds[image]);
            store.widths.setAtIndex(JAVA_INT, image, rows.get(JAVA_INT, row + WIDTH));
            store.heights.setAtIndex(JAVA_INT, image, rows.get(JAVA_INT, row + HEIGHT));
            long from = row == 0 ? 0 : rows.get(JAVA_LONG, row - IMAGE_ROW + NAME_END);
            long length = rows.get(JAVA_LONG, row + NAME_END) - from;
            MemorySegment.copy(names.memory(), from, store.names, nameStart, length);
            store.nameStarts.setAtIndex(JAVA_INT, image, (int) nameStart);
            nameStart += length;
        }
        store.nameStarts.setAtIndex(JAVA_INT, sortedIds.length, (int) nameStart);
    }

    /** A counting sort by image, so that boxes of one image keep the file's order. */
    private void fillBoxes(AnnotationStore store, int[] imageOf, int[] classOf) {
        int[] next = new int[store.imageCount() + 1];
        for (int image : imageOf) {
            next[image + 1]++;
        }
        Arrays.parallelPrefix(next, Integer::sum);
        MemorySegment.copy(next, 0, store.boxStarts, JAVA_INT, 0, next.length);
        MemorySegment rows = annotations.memory();
        for (int image = 0; image < store.imageCount(); image++) {
            store.firstPlaces.setAtIndex(JAVA_INT, image, Integer.MAX_VALUE);
        }
        for (int i = 0; i < imageOf.length; i++) {
            long row = (long) i * ANNOTATION_ROW;
            int box = next[imageOf[i]]++;
            if (box == store.firstBox(imageOf[i])) {
                store.firstPlaces.setAtIndex(JAVA_INT, imageOf[i], i);
            }
            store.annotationIds.setAtIndex(JAVA_LONG, box, rows.get(JAVA_LONG, row));
            store.classes.setAtIndex(JAVA_INT, box, classOf[i]);
            MemorySegment.copy(rows, row + BOX, store.boxes, 4L * box * Double.BYTES, 4L * Double.BYTES);
            store.areas.setAtIndex(JAVA_DOUBLE, box, rows.get(JAVA_DOUBLE, row + AREA));
            store.flags.set(JAVA_BYTE, box, (byte) rows.get(JAVA_INT, row + FLAGS));
        }
    }

    @Override
    public void close() {
        images.close();
        names.close();
        annotations.close();
    }
}
