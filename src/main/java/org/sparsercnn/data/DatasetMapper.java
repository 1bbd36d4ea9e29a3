package org.sparsercnn.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.sparsercnn.config.InputConfig;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.CounterRandom;

/**
 * An {@link ImageRecord} to a {@link Sample}: decode, transform pixels and boxes, drop crowd regions and boxes of which
 * nothing is left. The published SparseRCNNDatasetMapper: flip and scale, and with INPUT.CROP.ENABLED for every second
 * picture between the two a scaling to 400, 500 or 600 and a crop.
 *
 * <p>What is drawn depends on (seed, epoch, {@link ImageRecord#randomKey}) alone. Immutable, for any number of threads.
 */
public final class DatasetMapper {
    /** Boxes narrower or lower than this many pixels are dropped (detectron2's filter_empty_instances). */
    private static final float EMPTY = 1e-5f;

    private static final List<Integer> LENGTHS_BEFORE_CROP = List.of(400, 500, 600);

    private final List<Augmentation> plain;
    private final List<Augmentation> withCrop; // empty: never crop
    private final boolean bgr;
    private final long seed;

    private DatasetMapper(List<Augmentation> plain, List<Augmentation> withCrop, boolean bgr, long seed) {
        this.plain = List.copyOf(plain);
        this.withCrop = List.copyOf(withCrop);
        this.bgr = bgr;
        this.seed = seed;
    }

    /** @throws BadInput if keys of INPUT contradict each other */
    public static DatasetMapper forTraining(InputConfig input, long seed) {
        List<Augmentation> plain = new ArrayList<>();
        if (input.flipsHorizontally()) {
            plain.add(new RandomFlip(RandomFlip.Direction.HORIZONTAL));
        }
        if (input.flipsVertically()) {
            plain.add(new RandomFlip(RandomFlip.Direction.VERTICAL));
        }
        List<Augmentation> withCrop = new ArrayList<>(plain);
        ResizeShortestEdge last = new ResizeShortestEdge(input.minSizeTrain(),
                ResizeShortestEdge.Sampling.valueOf(input.minSizeTrainSampling().toUpperCase(Locale.ROOT)), input.maxSizeTrain());
        plain.add(last);
        if (!input.crop().enabled()) {
            return new DatasetMapper(plain, List.of(), isBgr(input), seed);
        }
        withCrop.add(new ResizeShortestEdge(LENGTHS_BEFORE_CROP, ResizeShortestEdge.Sampling.CHOICE, Integer.MAX_VALUE));
        withCrop.add(new RandomCrop(RandomCrop.Type.valueOf(input.crop().type().toUpperCase(Locale.ROOT)),
                input.crop().size().get(0), input.crop().size().get(1)));
        withCrop.add(last);
        return new DatasetMapper(plain, withCrop, isBgr(input), seed);
    }

    /** Scales to the test size, nothing random. */
    public static DatasetMapper forInference(InputConfig input) {
        return new DatasetMapper(List.of(ResizeShortestEdge.to(input.minSizeTest(), input.maxSizeTest())), List.of(),
                isBgr(input), 0);
    }

    /** @throws BadInput naming the file if it cannot be decoded or has another size than {@code record} says */
    public Sample map(ImageRecord record, long epoch) {
        return map(record, draw(new ImageSize(record.width(), record.height()), CounterRandom.of(seed, epoch, record.randomKey())));
    }

    /** The same with the transforms given. */
    public Sample map(ImageRecord record, List<Transform> transforms) {
        Image image = ImageDecoder.read(record.file());
        checkSize(record, image);
        return sample(record.id(), record.file(), image, record.boxesXywhPx(), record.classes(), record.crowd(), transforms);
    }

    /** A picture without annotations, as the demo has them. */
    public Sample map(Image image, long imageId, Path file) {
        List<Transform> transforms = draw(new ImageSize(image.width(), image.height()), CounterRandom.of(seed, 0, imageId));
        return sample(imageId, file, image, new double[0], new int[0], new boolean[0], transforms);
    }

    /** Draws the steps for a picture of {@code size}. */
    List<Transform> draw(ImageSize size, CounterRandom random) {
        boolean crop = !withCrop.isEmpty() && random.nextDouble() < 0.5;
        List<Transform> drawn = new ArrayList<>();
        ImageSize now = size;
        for (Augmentation augmentation : crop ? withCrop : plain) {
            Transform transform = augmentation.draw(now, random);
            drawn.add(transform);
            now = transform.apply(now);
        }
        return List.copyOf(drawn);
    }

    private Sample sample(long imageId, Path file, Image image, double[] boxesXywhPx, int[] classes, boolean[] crowd,
            List<Transform> transforms) {
        double[] boxesXyxyPx = xyxyOfInstances(boxesXywhPx, crowd);
        Image now = image;
        for (Transform transform : transforms) {
            now = transform.apply(now);
            transform.applyToBoxes(boxesXyxyPx);
        }
        float[] kept = new float[boxesXyxyPx.length];
        int[] keptClasses = new int[classes.length];
        int m = 0;
        for (int i = 0, box = 0; i < classes.length; i++) {
            if (crowd[i]) {
                continue;
            }
            for (int c = 0; c < 4; c++) {
                int limit = c % 2 == 0 ? now.width() : now.height();
                kept[4 * m + c] = (float) Math.min(limit, Math.max(0, boxesXyxyPx[4 * box + c]));
            }
            if (kept[4 * m + 2] - kept[4 * m] > EMPTY && kept[4 * m + 3] - kept[4 * m + 1] > EMPTY) {
                keptClasses[m++] = classes[i];
            }
            box++;
        }
        return new Sample(imageId, file, new ImageSize(image.width(), image.height()), bgr ? now.swapRedBlue() : now,
                Arrays.copyOf(kept, 4 * m), Arrays.copyOf(keptClasses, m), transforms);
    }

    /** Corners of all but crowd regions. detectron2 adds in float32 here and goes on in float64: so do we. */
    private static double[] xyxyOfInstances(double[] boxesXywhPx, boolean[] crowd) {
        double[] boxesXyxyPx = new double[boxesXywhPx.length];
        int to = 0;
        for (int i = 0; i < crowd.length; i++) {
            if (!crowd[i]) {
                float x = (float) boxesXywhPx[4 * i];
                float y = (float) boxesXywhPx[4 * i + 1];
                boxesXyxyPx[to++] = x;
                boxesXyxyPx[to++] = y;
                boxesXyxyPx[to++] = x + (float) boxesXywhPx[4 * i + 2];
                boxesXyxyPx[to++] = y + (float) boxesXywhPx[4 * i + 3];
            }
        }
        return Arrays.copyOf(boxesXyxyPx, to);
    }

    private static void checkSize(ImageRecord record, Image image) {
        if (image.width() == record.width() && image.height() == record.height()) {
            return;
        }
        String advice = image.width() == record.height() && image.height() == record.width()
                ? "the sides are exchanged: the file carries an EXIF orientation, which is applied, and annotations must be made on"
                        + " the upright picture"
                : "correct width and height of image id " + record.id() + " or put the right file there";
        throw BadInput.of("%s: the image is %dx%d pixels, its annotation file says %dx%d; %s", record.file(), image.width(),
                image.height(), record.width(), record.height(), advice);
    }

    private static boolean isBgr(InputConfig input) {
        return input.format().equals("BGR");
    }
}
