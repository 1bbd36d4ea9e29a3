package org.sparsercnn.viz;

/**
 * Boxes to draw in one manner.
 *
 * @param boxesXyxyPx N x 4: left, top, right, bottom in pixels of the picture; those that are NaN, empty
 *     or outside are left out
 * @param labels N names; a null or empty one gives a box without a label
 * @param scores N values in [0, 1], shown as percent; null for ground truth
 * @param classes N class indices; they choose the colour
 * @param dashed dashed lines, for ground truth
 */
public record BoxLayer(float[] boxesXyxyPx, String[] labels, float[] scores, int[] classes, boolean dashed) {
    public BoxLayer {
        int n = classes.length;
        if (boxesXyxyPx.length != 4 * n || labels.length != n || (scores != null && scores.length != n)) {
            throw new IllegalArgumentException("boxes (N x 4), labels, scores and classes differ in number");
        }
    }

    /** What a model found: solid lines, label and score. */
    public static BoxLayer detections(float[] boxesXyxyPx, String[] labels, float[] scores, int[] classes) {
        return new BoxLayer(boxesXyxyPx, labels, scores, classes, false);
    }

    /** What is there: dashed lines, label without score. */
    public static BoxLayer groundTruth(float[] boxesXyxyPx, String[] labels, int[] classes) {
        return new BoxLayer(boxesXyxyPx, labels, null, classes, true);
    }

    int size() {
        return classes.length;
    }

    /** "person 93%", "person" or "", as detectron2 writes them. */
    String text(int i) {
        String name = labels[i] == null ? "" : labels[i].strip();
        if (scores == null || !Float.isFinite(scores[i])) {
            return name;
        }
        String percent = Math.round(100 * scores[i]) + "%";
        return name.isEmpty() ? percent : name + " " + percent;
    }
}
