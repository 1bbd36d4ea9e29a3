package org.sparsercnn.app;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.sparsercnn.config.Config;
import org.sparsercnn.config.TestConfig;
import org.sparsercnn.data.Image;
import org.sparsercnn.data.ImageSize;
import org.sparsercnn.data.Resize;
import org.sparsercnn.data.ResizeShortestEdge;
import org.sparsercnn.model.BoxVoting;
import org.sparsercnn.model.ClassNms;
import org.sparsercnn.model.Detections;

/**
 * The published test-time augmentation without the network: which views of an image there are, and how what was found in them
 * becomes one set of detections.
 *
 * @param settings TEST.AUG
 * @param most detections of an image: MODEL.SparseRCNN.NUM_PROPOSALS with voting, TEST.DETECTIONS_PER_IMAGE with NMS
 * @param nmsIou MODEL.ROI_HEADS.NMS_THRESH_TEST
 */
record TestTimeAugmentation(TestConfig.Aug settings, int most, double nmsIou) {
    static TestTimeAugmentation of(Config config) {
        TestConfig.Aug aug = config.test().aug();
        return new TestTimeAugmentation(aug, aug.mergesByNms() ? config.test().detectionsPerImage() : config.model().sparseRcnn().numProposals(),
                config.model().roiHeads().nmsThreshTest());
    }

    /** For the log. */
    String describe() {
        int sizes = settings.minSizes().size();
        int passes = settings.flip() ? 2 * sizes : sizes;
        return "%d pass%s an image, %d size%s%s; %s".formatted(passes, passes == 1 ? "" : "es", sizes, sizes == 1 ? "" : "s",
                settings.flip() ? ", each mirrored too" : "", settings.mergesByNms() ? "NMS at IoU " + nmsIou
                : settings.scaleFilter() ? "soft voting, a range of areas for each size" : "soft voting");
    }

    /**
     * The views of one image: for each of MIN_SIZES the scaled image, then with FLIP its mirror image.
     *
     * @param original size of the upright picture, in whose pixels boxes are wanted
     * @param input size that the loader scaled it to; the views are scaled from there, as published
     */
    List<View> views(ImageSize original, ImageSize input) {
        List<View> views = new ArrayList<>();
        for (int i = 0; i < settings.minSizes().size(); i++) {
            int length = settings.minSizes().get(i);
            ImageSize size = length == 0 ? input : ResizeShortestEdge.scaled(input, length, settings.maxSize());
            Optional<TestConfig.ScaleRange> range = settings.cvpodsTta() && settings.scaleFilter() ? Optional.of(settings.scaleRanges().get(i)) : Optional.empty();
            views.add(new View(original, input, size, false, range));
            if (settings.flip()) {
                views.add(new View(original, input, size, true, range));
            }
        }
        return views;
    }

    /**
     * Detections in pixels of the original image, best first; with voting boxes may be empty after clipping, as published.
     *
     * @param found in each view, in pixels of the original
     */
    Detections merge(List<Detections> found, ImageSize original) {
        Detections all = Detections.concat(found);
        return settings.cvpodsTta() ? BoxVoting.PUBLISHED.merge(all, most).clipped(original.width(), original.height())
                : new ClassNms(nmsIou).merge(all.clipped(original.width(), original.height()), most);
    }

    /**
     * An image at one size.
     *
     * @param range which boxes count, by their area in this view; empty: all
     */
    record View(ImageSize original, ImageSize input, ImageSize size, boolean mirrored, Optional<TestConfig.ScaleRange> range) {
        /** What the network is shown. @param before the picture of the view before, which is this one's mirror image if it is mirrored */
        Image picture(Image input, Image before) {
            return mirrored ? before.flipHorizontal() : Resize.bilinear(input, size.width(), size.height());
        }

        /** Boxes of this view that are in its range, in pixels of the original; not clipped. */
        Detections toOriginal(Detections found) {
            Detections kept = inRange(found);
            float[] boxes = new float[kept.boxesXyxyPx().length];
            float[] from = kept.boxesXyxyPx();
            for (int i = 0; i < boxes.length; i++) {
                boolean x = i % 2 == 0;
                float v = !x || !mirrored ? from[i] : size.width() - from[i % 4 == 0 ? i + 2 : i - 2];
                boxes[i] = x ? back(v, size.width(), input.width(), original.width()) : back(v, size.height(), input.height(), original.height());
            }
            return new Detections(boxes, kept.scores(), kept.classes());
        }

        /** Two steps, each rounded to float32, as the published inverse of the transforms has them. */
        private static float back(float v, int size, int input, int original) {
            return v * (float) ((double) input / size) * (float) ((double) original / input);
        }

        private Detections inRange(Detections found) {
            if (range.isEmpty()) {
                return found;
            }
            float above = (float) Math.pow(range.get().min(), 2);
            float below = (float) Math.pow(range.get().max(), 2);
            return found.keep(IntStream.range(0, found.count()).filter(i -> found.area(i) > above && found.area(i) < below).toArray());
        }
    }
}
