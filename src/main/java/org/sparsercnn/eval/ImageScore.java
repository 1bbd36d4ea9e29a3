package org.sparsercnn.eval;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * How well one image was done: F1 of its detections from a score on, at IoU 0.5.
 *
 * @param image index of the image
 * @param hits objects found
 * @param mistakes detections that took no object
 * @param misses objects not found
 * @param overlap mean IoU of the hits, 0 without any
 */
public record ImageScore(int image, int hits, int mistakes, int misses, double overlap) {
    /** Best first: by F1, then more objects found, then the better placed; on equal terms by image. */
    private static final Comparator<ImageScore> BEST_FIRST = Comparator.comparingDouble(ImageScore::f1).thenComparingInt(s -> s.hits - s.mistakes - s.misses)
            .thenComparingDouble(s -> s.overlap).reversed().thenComparingInt(s -> s.image);

    /**
     * All images that have an object or a detection, the best first. Those with neither are right and say nothing.
     *
     * @param score the least that a detection needs
     */
    public static List<ImageScore> of(Outcomes found, double score) {
        int images = found.truth().annotations().imageCount();
        List<ImageScore> scores = new ArrayList<>();
        for (int image = 0, i = 0; image < images; image++) {
            int hits = 0;
            int mistakes = 0;
            int misses = 0;
            double overlap = 0;
            for (; i < found.count() && found.images()[i] == image; i++) {
                if (found.scores()[i] >= score) {
                    boolean hit = found.outcomes()[i] == Outcome.CORRECT;
                    hits += hit ? 1 : 0;
                    overlap += hit ? found.overlaps()[i] : 0;
                    mistakes += found.outcomes()[i].isMistake() ? 1 : 0;
                }
            }
            for (int box = found.truth().annotations().firstBox(image); box < found.truth().annotations().firstBox(image + 1); box++) {
                misses += found.counted()[box] && !found.isFound(box, score) ? 1 : 0;
            }
            if (hits + mistakes + misses > 0) {
                scores.add(new ImageScore(image, hits, mistakes, misses, hits == 0 ? 0 : overlap / hits));
            }
        }
        scores.sort(BEST_FIRST);
        return scores;
    }

    public double f1() {
        return 2.0 * hits / (2.0 * hits + mistakes + misses);
    }
}
