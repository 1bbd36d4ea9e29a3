package org.sparsercnn.op;

import java.util.Random;
import org.sparsercnn.testing.Array;

/** Proper boxes (n, 4) as corners, near enough to each other that many overlap. */
final class RandomBoxes {
    private RandomBoxes() {}

    static Array xyxy(Random r, long n) {
        Array boxes = Array.uniform(r, 0, 2, n, 4);
        for (int i = 0; i < boxes.values().length; i += 4) {
            for (int axis = 0; axis < 2; axis++) {
                boxes.values()[i + 2 + axis] = (float) (boxes.values()[i + axis] + 0.2 + 1.5 * r.nextDouble());
            }
        }
        return boxes;
    }
}
