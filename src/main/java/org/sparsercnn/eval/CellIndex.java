package org.sparsercnn.eval;

/**
 * Row numbers grouped into cells, one cell per category and image: category by category, images ascending within one, rows of
 * one cell in their original order. Two counting sorts, linear in the rows.
 *
 * @param rows row numbers in that order
 * @param starts where the rows of each category begin; one longer than the categories
 */
record CellIndex(int[] rows, int[] starts) {
    /** Groups {@code rows}, which is sorted in place; {@code classes} and {@code images} are indexed by row number. */
    static CellIndex of(int[] rows, int[] classes, int classCount, int[] images, int imageCount) {
        sortedBy(images, imageCount, rows);
        return new CellIndex(rows, sortedBy(classes, classCount, rows));
    }

    /** Groups {@code rows}, which is sorted in place, by image alone: {@code starts} is where each image's begin. */
    static CellIndex byImage(int[] rows, int[] images, int imageCount) {
        return new CellIndex(rows, sortedBy(images, imageCount, rows));
    }

    /** The end of the cell of {@code image} that begins at {@code from}; {@code from} itself when it is empty. */
    int cellEnd(int from, int category, int image, int[] images) {
        int end = from;
        while (end < starts[category + 1] && images[rows[end]] == image) {
            end++;
        }
        return end;
    }

    /** Sorts {@code rows} by {@code keys} in place, stably; returns where each key begins. */
    private static int[] sortedBy(int[] keys, int keyCount, int[] rows) {
        int[] starts = new int[keyCount + 1];
        for (int row : rows) {
            starts[keys[row] + 1]++;
        }
        for (int key = 0; key < keyCount; key++) {
            starts[key + 1] += starts[key];
        }
        int[] next = starts.clone();
        int[] sorted = new int[rows.length];
        for (int row : rows) {
            sorted[next[keys[row]]++] = row;
        }
        System.arraycopy(sorted, 0, rows, 0, rows.length);
        return starts;
    }
}
