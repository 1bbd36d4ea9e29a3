package org.sparsercnn.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.sparsercnn.testing.Array;
import org.sparsercnn.testing.Golden;

/** Compares detections with recorded ones whatever their order: equal scores have none, and rounding makes scores change places. */
public final class DetectionPairs {
    private DetectionPairs() {}

    /** {@code name/<prefix>boxes}, {@code scores} and {@code classes}. */
    public static Detections recorded(Golden golden, String prefix) {
        return new Detections(golden.array(prefix + "boxes").floats(), golden.array(prefix + "scores").floats(),
                ints(golden.array(prefix + "classes")));
    }

    public static int[] ints(Array array) {
        int[] out = new int[array.values().length];
        for (int i = 0; i < out.length; i++) {
            out[i] = (int) array.values()[i];
        }
        return out;
    }

    /** Each wanted row has a found one of its class, its own, with box and score within the tolerances; scores descend. */
    public static void assertSame(Detections found, Detections wanted, double pixels, double score) {
        assertThat(found.count()).isEqualTo(wanted.count());
        boolean[] taken = new boolean[found.count()];
        for (int i = 0; i < wanted.count(); i++) {
            int best = -1;
            double least = Double.POSITIVE_INFINITY;
            for (int j = 0; j < taken.length; j++) {
                double distance = taken[j] || found.classes()[j] != wanted.classes()[i] ? Double.POSITIVE_INFINITY
                        : Math.max(pixels(found, j, wanted, i) / pixels, Math.abs(found.scores()[j] - wanted.scores()[i]) / score);
                if (distance < least) {
                    least = distance;
                    best = j;
                }
            }
            assertThat(least).as("row %d, class %d, score %s: the nearest of ours, in tolerances", i, wanted.classes()[i], wanted.scores()[i])
                    .isLessThanOrEqualTo(1);
            taken[best] = true;
        }
        for (int j = 1; j < found.count(); j++) {
            assertThat(found.scores()[j]).isLessThanOrEqualTo(found.scores()[j - 1]);
        }
    }

    /** Distance of neighbouring float32 numbers, in pixels, where voting moves the highest class. */
    public static double ulpAtOffset(Detections d) {
        double reach = 1;
        int highest = 0;
        for (int i = 0; i < d.boxesXyxyPx().length; i++) {
            reach = Math.max(reach, d.boxesXyxyPx()[i] + 1.0);
            highest = Math.max(highest, d.classes()[i / 4]);
        }
        return Math.ulp((float) ((highest + 1) * reach));
    }

    private static double pixels(Detections a, int i, Detections b, int j) {
        double most = 0;
        for (int c = 0; c < 4; c++) {
            most = Math.max(most, Math.abs(a.boxesXyxyPx()[4 * i + c] - b.boxesXyxyPx()[4 * j + c]));
        }
        return most;
    }
}
