package org.sparsercnn.eval;

import java.util.Arrays;

/** Best score first, equal scores in the order they came: numpy's {@code argsort(-scores, kind="mergesort")}. */
final class ScoreOrder {
    private static final int INSERTION = 24;

    private ScoreOrder() {}

    /** Positions 0..n-1 of {@code scores} in that order. */
    static int[] descending(double[] scores) {
        int[] positions = new int[scores.length];
        Arrays.setAll(positions, i -> i);
        sort(positions, 0, positions.length, scores);
        return positions;
    }

    /** Sorts {@code rows[from, to)} by {@code scores[row]}. */
    static void sort(int[] rows, int from, int to, double[] scores) {
        if (to - from <= INSERTION) {
            insertionSort(rows, from, to, scores);
        } else {
            mergeSort(rows, from, to, scores, new int[(to - from + 1) / 2]);
        }
    }

    private static void mergeSort(int[] rows, int from, int to, double[] scores, int[] left) {
        if (to - from <= INSERTION) {
            insertionSort(rows, from, to, scores);
            return;
        }
        int middle = (from + to) >>> 1;
        mergeSort(rows, from, middle, scores, left);
        mergeSort(rows, middle, to, scores, left);
        int leftCount = middle - from;
        System.arraycopy(rows, from, left, 0, leftCount);
        for (int i = 0, j = middle, out = from; i < leftCount; out++) {
            rows[out] = j < to && scores[rows[j]] > scores[left[i]] ? rows[j++] : left[i++];
        }
    }

    private static void insertionSort(int[] rows, int from, int to, double[] scores) {
        for (int i = from + 1; i < to; i++) {
            int row = rows[i];
            int j = i;
            for (; j > from && scores[row] > scores[rows[j - 1]]; j--) {
                rows[j] = rows[j - 1];
            }
            rows[j] = row;
        }
    }
}
