package org.sparsercnn.eval;

/**
 * How good the detections above a score are, all classes together, at IoU 0.5.
 *
 * @param score the least that is kept
 * @param hits detections that took an object
 * @param mistakes detections that did not
 * @param objects to find
 */
public record OperatingPoint(double score, int hits, int mistakes, int objects) {
    /**
     * The score at which F1 is largest, of equal ones the highest: where a user who wants neither misses nor mistakes would cut. Without a
     * single hit it is 0.5.
     */
    public static OperatingPoint best(Outcomes found) {
        int[] order = ScoreOrder.descending(found.scores());
        OperatingPoint best = null;
        int objects = found.objects();
        int hits = 0;
        int mistakes = 0;
        for (int i = 0; i < order.length; i++) {
            Outcome outcome = found.outcomes()[order[i]];
            hits += outcome == Outcome.CORRECT ? 1 : 0;
            mistakes += outcome.isMistake() ? 1 : 0;
            double score = found.scores()[order[i]];
            boolean whole = i + 1 == order.length || found.scores()[order[i + 1]] < score; // equal scores cannot be cut apart
            OperatingPoint here = new OperatingPoint(score, hits, mistakes, objects);
            if (whole && hits > 0 && (best == null || here.f1() > best.f1())) {
                best = here;
            }
        }
        return best != null ? best : at(found, 0.5);
    }

    /** With the detections of at least this score. */
    public static OperatingPoint at(Outcomes found, double score) {
        int hits = 0;
        int mistakes = 0;
        for (int i = 0; i < found.count(); i++) {
            if (found.scores()[i] >= score) {
                hits += found.outcomes()[i] == Outcome.CORRECT ? 1 : 0;
                mistakes += found.outcomes()[i].isMistake() ? 1 : 0;
            }
        }
        return new OperatingPoint(score, hits, mistakes, found.objects());
    }

    /** Objects that no detection took. */
    public int misses() {
        return objects - hits;
    }

    /** NaN without detections. */
    public double precision() {
        return hits + mistakes == 0 ? Double.NaN : (double) hits / (hits + mistakes);
    }

    /** NaN without objects. */
    public double recall() {
        return objects == 0 ? Double.NaN : (double) hits / objects;
    }

    /** The harmonic mean of precision and recall; NaN where there is nothing to find and nothing was found. */
    public double f1() {
        return 2.0 * hits / (hits + mistakes + objects);
    }
}
