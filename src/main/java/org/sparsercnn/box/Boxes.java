package org.sparsercnn.box;

/**
 * Box algebra on plain arrays: {@code double[4*n]}, box {@code i} at {@code 4*i}. A name says the format: {@code Xyxy} is
 * (x1, y1, x2, y2), {@code Xywh} is COCO's (x, y, width, height). Units are the caller's; nothing here throws on NaN or
 * inverted boxes.
 */
public final class Boxes {
    private Boxes() {}

    /** COCO's boxes to corners; a new array. */
    public static double[] xywhToXyxy(double[] boxesXywh) {
        double[] boxesXyxy = boxesXywh.clone();
        for (int o = 0; o < boxesXyxy.length; o += 4) {
            boxesXyxy[o + 2] += boxesXyxy[o];
            boxesXyxy[o + 3] += boxesXyxy[o + 1];
        }
        return boxesXyxy;
    }

    /** Corners to COCO's boxes; a new array. */
    public static double[] xyxyToXywh(double[] boxesXyxy) {
        double[] boxesXywh = boxesXyxy.clone();
        for (int o = 0; o < boxesXywh.length; o += 4) {
            boxesXywh[o + 2] -= boxesXywh[o];
            boxesXywh[o + 3] -= boxesXywh[o + 1];
        }
        return boxesXywh;
    }

    /** Area of box {@code i}; negative when exactly one side is inverted, as in the published code. */
    public static double areaXyxy(double[] boxesXyxy, int i) {
        int o = 4 * i;
        return (boxesXyxy[o + 2] - boxesXyxy[o]) * (boxesXyxy[o + 3] - boxesXyxy[o + 1]);
    }

    /** Intersection over union of {@code a[i]} and {@code b[j]}; 0 when the union is empty (published: 0/0, NaN). */
    public static double iouXyxy(double[] a, int i, double[] b, int j) {
        double intersection = intersectionXyxy(a, i, b, j);
        double union = areaXyxy(a, i) + areaXyxy(b, j) - intersection;
        return union > 0 ? intersection / union : 0;
    }

    /**
     * Generalised IoU (Rezatofighi et al., CVPR 2019): IoU minus the share of the enclosing box that neither box covers.
     * In [-1, 1] for proper boxes; when the enclosing box is empty, the IoU (published: NaN).
     */
    public static double giouXyxy(double[] a, int i, double[] b, int j) {
        int p = 4 * i;
        int q = 4 * j;
        double intersection = intersectionXyxy(a, i, b, j);
        double union = areaXyxy(a, i) + areaXyxy(b, j) - intersection;
        double width = Math.max(a[p + 2], b[q + 2]) - Math.min(a[p], b[q]);
        double height = Math.max(a[p + 3], b[q + 3]) - Math.min(a[p + 1], b[q + 1]);
        double hull = Math.max(width, 0) * Math.max(height, 0);
        double iou = union > 0 ? intersection / union : 0;
        return hull > 0 ? iou - (hull - union) / hull : iou;
    }

    /**
     * The overlap pycocotools matches by, digit for digit: IoU, or for a crowd region {@code truth[j]} the share of the
     * detection that lies inside it (a crowd box holds many objects, so its own area must not count).
     */
    public static double cocoIouXywh(double[] detections, int i, double[] truth, int j, boolean crowd) {
        int d = 4 * i;
        int g = 4 * j;
        double width = Math.min(detections[d + 2] + detections[d], truth[g + 2] + truth[g]) - Math.max(detections[d], truth[g]);
        if (width <= 0) {
            return 0;
        }
        double height =
                Math.min(detections[d + 3] + detections[d + 1], truth[g + 3] + truth[g + 1]) - Math.max(detections[d + 1], truth[g + 1]);
        if (height <= 0) {
            return 0;
        }
        double intersection = width * height;
        double detectionArea = detections[d + 2] * detections[d + 3];
        double truthArea = truth[g + 2] * truth[g + 3];
        return intersection / (crowd ? detectionArea : detectionArea + truthArea - intersection);
    }

    /** Area that {@code a[i]} and {@code b[j]} share. */
    public static double intersectionXyxy(double[] a, int i, double[] b, int j) {
        int p = 4 * i;
        int q = 4 * j;
        double width = Math.min(a[p + 2], b[q + 2]) - Math.max(a[p], b[q]);
        double height = Math.min(a[p + 3], b[q + 3]) - Math.max(a[p + 1], b[q + 1]);
        return Math.max(width, 0) * Math.max(height, 0);
    }
}
