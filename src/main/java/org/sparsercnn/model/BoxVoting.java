package org.sparsercnn.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Merges what several passes found of the same objects: the best box calls those of its class that overlap it, the group
 * becomes one box, their mean weighted by score with the best score; then the next best of the rest (box voting, Gidaris and
 * Komodakis, ICCV 2015). In soft voting members that fit badly also stay on their own, with their score times (1 - IoU).
 *
 * <p>Computed as published (cvpods, PeizeSun/SparseR-CNN) in float32 and with classes told apart by an offset on the
 * coordinates: rounding of about 1e-7 of the offset and the merging of neighbouring classes' boxes at negative coordinates are
 * part of the published numbers.
 *
 * @param iouThreshold overlap from which on a box joins the group
 * @param softScore members whose reduced score reaches it stay, too; infinite: plain voting
 */
public record BoxVoting(float iouThreshold, float softScore) {
    /** The values of the published implementation, where they cannot be configured. */
    public static final BoxVoting PUBLISHED = new BoxVoting(0.65f, 0.05f);

    /**
     * What the vote leaves, best first. Boxes without area, or with none left after the offset's rounding, vanish, as published;
     * so do boxes that are not finite (published: all do then). Nothing in gives nothing out (published: an error).
     *
     * @param most detections that are kept; 0 or less: all
     */
    public Detections merge(Detections all, int most) {
        Detections in = all.finite();
        if (in.count() == 0) {
            return in;
        }
        float[] coordinates = in.boxesXyxyPx();
        float reach = coordinates[0];
        for (float c : coordinates) {
            reach = Math.max(reach, c);
        }
        reach += 1;
        List<Detections> rows = vote(shifted(in, reach).sorted());
        Detections out = shifted(Detections.concat(rows).sorted(), -reach);
        return most > 0 ? out.first(most) : out;
    }

    /** Each class's boxes moved along the diagonal by its index times {@code reach}. */
    private static Detections shifted(Detections d, float reach) {
        float[] boxes = new float[d.boxesXyxyPx().length];
        for (int i = 0; i < boxes.length; i++) {
            boxes[i] = d.boxesXyxyPx()[i] + d.classes()[i / 4] * reach;
        }
        return new Detections(boxes, d.scores(), d.classes());
    }

    private List<Detections> vote(Detections sorted) {
        float[] overlaps = new float[sorted.count()];
        int[] left = IntStream.range(0, sorted.count()).toArray();
        List<Detections> rows = new ArrayList<>();
        while (left.length > 0) {
            int best = left[0];
            int[] rest = new int[left.length];
            int[] group = new int[left.length];
            int members = 0;
            int others = 0;
            for (int i : left) {
                float iou = sorted.iou(best, i);
                if (iou >= iouThreshold) {
                    overlaps[members] = iou;
                    group[members++] = i;
                } else if (iou < iouThreshold) { // a NaN, of two boxes without area, is neither
                    rest[others++] = i;
                }
            }
            Detections found = sorted.keep(Arrays.copyOf(group, members));
            if (members > 1) {
                rows.add(mean(found));
                rows.add(soft(found, Arrays.copyOf(overlaps, members)));
            } else {
                rows.add(found);
            }
            left = Arrays.copyOf(rest, others);
        }
        return rows;
    }

    /** One box for the group, whose best comes first. */
    private static Detections mean(Detections group) {
        double[] sums = new double[4];
        double weight = 0;
        for (int i = 0; i < group.count(); i++) {
            weight += group.scores()[i];
            for (int c = 0; c < 4; c++) {
                sums[c] += group.boxesXyxyPx()[4 * i + c] * group.scores()[i];
            }
        }
        Detections best = group.first(1);
        for (int c = 0; c < 4 && weight > 0; c++) { // scores that are 0 weigh nothing: the best box stays
            best.boxesXyxyPx()[c] = (float) (sums[c] / weight);
        }
        return best;
    }

    /** The members that stay beside the mean. @param iou of each with the best, which itself has 1 and so a score of 0 */
    private Detections soft(Detections group, float[] iou) {
        float[] reduced = new float[iou.length];
        for (int i = 0; i < iou.length; i++) {
            reduced[i] = group.scores()[i] * (1 - iou[i]);
        }
        return new Detections(group.boxesXyxyPx(), reduced, group.classes())
                .keep(IntStream.range(0, reduced.length).filter(i -> reduced[i] >= softScore).toArray());
    }
}
