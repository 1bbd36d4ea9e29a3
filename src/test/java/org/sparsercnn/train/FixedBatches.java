package org.sparsercnn.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.sparsercnn.data.Image;
import org.sparsercnn.data.ImageSize;
import org.sparsercnn.data.Sample;
import org.sparsercnn.testing.PortableGenerator;

/** Training batches that Python and Java make alike: see {@code golden/learning/record.py}. */
final class FixedBatches {
    private static final int OBJECTS = 3;

    private FixedBatches() {}

    static List<Sample> batch(int index, int images, int height, int width, int classes) {
        List<Sample> samples = new ArrayList<>();
        for (int i = 0; i < images; i++) {
            String name = "batch" + index + ".image" + i;
            byte[] pixels = new PortableGenerator(name, 0).bytes(3 * height * width);
            float[] u = new PortableGenerator(name + ".boxes", 0).uniform(4 * OBJECTS, new float[] {0.5f}, new float[] {0.5f});
            var labels = new PortableGenerator(name + ".classes", 0);
            float[] boxes = new float[4 * OBJECTS];
            int[] chosen = new int[OBJECTS];
            for (int k = 0; k < OBJECTS; k++) {
                double x0 = (double) u[4 * k] * (width - 17);
                double y0 = (double) u[4 * k + 1] * (height - 17);
                boxes[4 * k] = (float) x0;
                boxes[4 * k + 1] = (float) y0;
                boxes[4 * k + 2] = (float) (x0 + 16 + u[4 * k + 2] * (width - 16 - x0));
                boxes[4 * k + 3] = (float) (y0 + 16 + u[4 * k + 3] * (height - 16 - y0));
                chosen[k] = (int) Long.remainderUnsigned(labels.bits(k), classes);
            }
            samples.add(new Sample(i, Path.of(name), new ImageSize(width, height), new Image(width, height, pixels), boxes, chosen, List.of()));
        }
        return samples;
    }
}
