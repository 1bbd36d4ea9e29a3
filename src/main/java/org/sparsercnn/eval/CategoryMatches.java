package org.sparsercnn.eval;

/**
 * What became of the n detections of one category: images ascending, best score first within an image.
 *
 * @param category contiguous index
 * @param scores (n)
 * @param ranks (n) place within its image and category, from 0: limits on detections cut here
 * @param outcomes (A, T, n) {@link #MISS}, {@link #HIT} or {@link #IGNORED} by area range and threshold
 * @param positives (A) objects that count
 */
public record CategoryMatches(int category, double[] scores, int[] ranks, byte[] outcomes, int[] positives) {
    /** False positive. */
    public static final byte MISS = 0;

    /** True positive. */
    public static final byte HIT = 1;

    /** Neither: it took a crowd region or an object outside the area range, or took none and is itself outside. */
    public static final byte IGNORED = 2;
}
