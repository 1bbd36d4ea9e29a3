package org.sparsercnn.eval;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * A made-up evaluation of COCO's size, the same for the same seed: boxes of 8 to 400 pixels, some objects a crowd, half of the
 * detections near an object, the others anywhere. For tests and benchmarks.
 */
public final class SampleEvaluation {
    private static final int WIDTH = 640;
    private static final int HEIGHT = 480;

    private SampleEvaluation() {}

    /** Writes {@code gt.json} and {@code dt.json} into {@code folder}. */
    public static void write(Path folder, int images, int detectionsPerImage, int classes, long seed) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        Files.createDirectories(folder);
        try (BufferedWriter gt = Files.newBufferedWriter(folder.resolve("gt.json"));
                BufferedWriter dt = Files.newBufferedWriter(folder.resolve("dt.json"))) {
            gt.write("{\"categories\": [");
            for (int c = 1; c <= classes; c++) {
                gt.write((c == 1 ? "" : ", ") + "{\"id\": " + c + ", \"name\": \"class" + c + "\"}");
            }
            gt.write("], \"images\": [");
            for (int image = 1; image <= images; image++) {
                gt.write("%s{\"id\": %d, \"width\": %d, \"height\": %d, \"file_name\": \"%d.jpg\"}"
                        .formatted(image == 1 ? "" : ", ", image, WIDTH, HEIGHT, image));
            }
            gt.write("], \"annotations\": [");
            dt.write("[");
            int annotations = 0;
            for (int image = 1; image <= images; image++) {
                double[][] objects = objects(random);
                int[] labels = new int[objects.length];
                for (int i = 0; i < objects.length; i++) {
                    labels[i] = random.nextInt(1, classes + 1);
                    gt.write(String.format(Locale.ROOT,
                            "%s{\"id\": %d, \"image_id\": %d, \"category_id\": %d, \"bbox\": %s, \"area\": %.2f, \"iscrowd\": %d}",
                            annotations == 0 ? "" : ", ", ++annotations, image, labels[i], text(objects[i]), objects[i][2] * objects[i][3],
                            random.nextDouble() < 0.01 ? 1 : 0));
                }
                for (int i = 0; i < detectionsPerImage; i++) {
                    boolean near = objects.length > 0 && random.nextBoolean();
                    int pick = near ? random.nextInt(objects.length) : -1;
                    double[] box = near ? moved(objects[pick], random) : new double[] {random.nextDouble(400), random.nextDouble(400),
                        random.nextDouble(8, 240), random.nextDouble(8, 240)};
                    dt.write(String.format(Locale.ROOT, "%s{\"image_id\": %d, \"category_id\": %d, \"bbox\": %s, \"score\": %.4f}",
                            image == 1 && i == 0 ? "" : ", ", image, near ? labels[pick] : random.nextInt(1, classes + 1), text(box),
                            random.nextDouble()));
                }
            }
            gt.write("]}");
            dt.write("]");
        }
    }

    private static double[][] objects(SplittableRandom random) {
        double[][] objects = new double[random.nextInt(15)][]; // 7 on average, as in COCO
        Arrays.setAll(objects, i -> {
            double width = Math.exp(random.nextDouble(Math.log(8), Math.log(400)));
            double height = Math.exp(random.nextDouble(Math.log(8), Math.log(400)));
            return new double[] {random.nextDouble() * (WIDTH - width), random.nextDouble() * (HEIGHT - height), width, height};
        });
        return objects;
    }

    private static double[] moved(double[] box, SplittableRandom random) {
        double[] moved = box.clone();
        for (int k = 0; k < 4; k++) {
            moved[k] += 0.1 * box[2 + k % 2] * random.nextGaussian();
        }
        return moved;
    }

    private static String text(double[] box) {
        return String.format(Locale.ROOT, "[%.2f, %.2f, %.2f, %.2f]", Math.max(box[0], 0.5), Math.max(box[1], 0.5), Math.max(box[2], 0.5),
                Math.max(box[3], 0.5));
    }
}
