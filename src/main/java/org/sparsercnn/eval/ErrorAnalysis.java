package org.sparsercnn.eval;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.sparsercnn.eval.CocoOptions.AreaRange;

/**
 * What keeps the detections from AP 1 at IoU 0.5: how often each mistake is made, and what AP50 would be gained if it alone were not
 * (TIDE's oracles). Counted are detections of a score and above; AP50 is that of all of them.
 *
 * <p>Put right are: a wrong class, by the class of its object; a bad place, by that of its object. Of several such detections of one
 * object the best counts as correct and the others are taken away, and all of them where a detection found the object. Duplicates,
 * background and what is wrong in both ways are taken away. Missed objects are no longer asked for; where no object is left, AP50 is 1.
 *
 * @param point the score that was cut at, with what was found there
 * @param counts detections by outcome
 * @param missed objects neither found nor the object of a detection with a wrong class or place
 * @param ap50 with the mistakes; NaN where no object counts
 * @param gains AP50 gained without the mistake, by mistake
 * @param missedGain the same for missed objects
 */
public record ErrorAnalysis(OperatingPoint point, Map<Outcome, Integer> counts, int missed, double ap50, Map<Outcome, Double> gains,
        double missedGain) {

    /** @param point cuts what is counted */
    public static ErrorAnalysis of(Outcomes found, OperatingPoint point) {
        Map<Outcome, Integer> counts = new EnumMap<>(Outcome.class);
        for (Outcome outcome : Outcome.values()) {
            counts.put(outcome, 0);
        }
        for (int i = 0; i < found.count(); i++) {
            if (found.scores()[i] >= point.score()) {
                counts.merge(found.outcomes()[i], 1, Integer::sum);
            }
        }
        Oracle oracle = new Oracle(found);
        double ap50 = oracle.ap50();
        Map<Outcome, Double> gains = new EnumMap<>(Outcome.class);
        for (Outcome outcome : Outcome.values()) {
            if (outcome.isMistake()) {
                gains.put(outcome, oracle.without(outcome) - ap50);
            }
        }
        int missed = (int) IntStream.range(0, found.counted().length).filter(oracle.missed(point.score())).count();
        return new ErrorAnalysis(point, counts, missed, ap50, gains, oracle.withoutMissed() - ap50);
    }

    /** AP50 of the detections with one kind of mistake put right. */
    private static final class Oracle {
        private static final CocoOptions AT_50 = new CocoOptions(new double[] {Outcomes.FOUND}, CocoOptions.standard().recallThresholds(),
                new int[] {1}, 1);

        private final Outcomes found;
        private final int[] objects; // by class

        Oracle(Outcomes found) {
            this.found = found;
            this.objects = new int[found.categories().size()];
            for (int box = 0; box < found.counted().length; box++) {
                objects[classOf(box)] += found.counted()[box] ? 1 : 0;
            }
        }

        private int classOf(int box) {
            return found.truth().annotations().classIndex(box);
        }

        double ap50() {
            return ap50(found.classes(), found.outcomes(), objects);
        }

        double without(Outcome mistake) {
            int[] classes = found.classes().clone();
            Outcome[] outcomes = found.outcomes().clone();
            boolean[] given = new boolean[found.counted().length]; // to the best of the mistakes about an object
            boolean movable = mistake == Outcome.WRONG_CLASS || mistake == Outcome.BADLY_PLACED;
            for (int i = 0; i < outcomes.length; i++) { // best score first within an image, and so of an object's
                if (outcomes[i] == mistake) {
                    int object = found.targets()[i];
                    boolean right = movable && Double.isNaN(found.foundAt()[object]) && !given[object];
                    outcomes[i] = right ? Outcome.CORRECT : Outcome.IGNORED;
                    if (right) {
                        given[object] = true;
                        classes[i] = classOf(object);
                    }
                }
            }
            return ap50(classes, outcomes, objects);
        }

        double withoutMissed() {
            int[] left = objects.clone();
            IntStream.range(0, found.counted().length).filter(missed(Double.NEGATIVE_INFINITY)).forEach(box -> left[classOf(box)]--);
            double ap = ap50(found.classes(), found.outcomes(), left);
            return Double.isNaN(ap) && Arrays.stream(objects).sum() > 0 ? 1 : ap;
        }

        /** Which boxes of the truth are missed by the detections of at least this score. */
        IntPredicate missed(double score) {
            boolean[] touched = new boolean[found.counted().length];
            for (int i = 0; i < found.count(); i++) {
                Outcome outcome = found.outcomes()[i];
                if (found.scores()[i] >= score && (outcome == Outcome.WRONG_CLASS || outcome == Outcome.BADLY_PLACED)) {
                    touched[found.targets()[i]] = true;
                }
            }
            return box -> found.counted()[box] && !found.isFound(box, score) && !touched[box];
        }

        private double ap50(int[] classes, Outcome[] outcomes, int[] positives) {
            CocoAccumulator all = new CocoAccumulator(found.categories(), AT_50);
            int[] counts = new int[positives.length];
            for (int c : classes) {
                counts[c]++;
            }
            double[][] scores = Arrays.stream(counts).mapToObj(double[]::new).toArray(double[][]::new);
            byte[][] results = Arrays.stream(counts).mapToObj(byte[]::new).toArray(byte[][]::new);
            Arrays.fill(counts, 0);
            for (int i = 0; i < classes.length; i++) {
                int at = counts[classes[i]]++;
                scores[classes[i]][at] = found.scores()[i];
                results[classes[i]][at] = outcomes[i] == Outcome.CORRECT ? CategoryMatches.HIT
                        : outcomes[i] == Outcome.IGNORED ? CategoryMatches.IGNORED : CategoryMatches.MISS;
            }
            for (int k = 0; k < positives.length; k++) { // of the area ranges only ALL, the first, has objects
                all.add(new CategoryMatches(k, scores[k], new int[scores[k].length], results[k], new int[] {positives[k], 0, 0, 0}));
            }
            double ap = all.result().averagePrecision(0, PrecisionRecall.ALL, AreaRange.ALL, 0);
            return ap == PrecisionRecall.UNDEFINED ? Double.NaN : ap;
        }
    }
}
