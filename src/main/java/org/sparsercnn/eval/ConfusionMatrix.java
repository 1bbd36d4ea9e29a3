package org.sparsercnn.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.sparsercnn.box.Boxes;
import org.sparsercnn.data.AnnotationStore;
import org.sparsercnn.data.CategoryMap;

/**
 * Which class objects were taken for, at IoU 0.5 and from a score on. Every object counts once: as its class where a detection of its class
 * took it; else as the class of the detection left over that overlaps it most by 0.5 or more, each such detection used once, largest
 * overlaps first; else as missed. Detections that are then still left over were found where nothing was left to find.
 *
 * @param categories K classes
 * @param counts (K + 1, K + 1) by class of the object and class it was taken for; the last row is of detections without an object, the last
 *     column of objects without a detection
 */
public record ConfusionMatrix(CategoryMap categories, int[][] counts) {
    /** Objects of one class that were taken for another. */
    public record Pair(int truth, int taken, int count, int objects) {
        /** Of the objects of that class. */
        public double share() {
            return (double) count / objects;
        }
    }

    private record Overlap(int object, int detection, double iou) {}

    /** @param score the least that a detection needs */
    public static ConfusionMatrix of(Outcomes found, Detections detections, double score) {
        AnnotationStore store = found.truth().annotations();
        int none = found.categories().size();
        int[][] counts = new int[none + 1][none + 1];
        double[] box = new double[4];
        for (int image = 0, from = 0, to; image < store.imageCount(); image++, from = to) {
            to = from;
            List<Integer> left = new ArrayList<>();
            for (; to < found.count() && found.images()[to] == image; to++) {
                if (found.scores()[to] >= score && found.outcomes()[to].isMistake()) {
                    left.add(to);
                }
            }
            List<Overlap> overlaps = new ArrayList<>();
            for (int object = store.firstBox(image); object < store.firstBox(image + 1); object++) {
                int truth = store.classIndex(object);
                if (found.isFound(object, score)) {
                    counts[truth][truth]++;
                } else if (found.counted()[object]) {
                    counts[truth][none]++;
                    store.copyBoxXywhPx(object, box, 0);
                    for (int d : left) {
                        double iou = Boxes.cocoIouXywh(detections.boxesXywhPx(), found.rows()[d], box, 0, false);
                        if (iou >= Outcomes.FOUND) {
                            overlaps.add(new Overlap(object, d, iou));
                        }
                    }
                }
            }
            boolean[] used = new boolean[to - from];
            boolean[] taken = new boolean[store.firstBox(image + 1) - store.firstBox(image)];
            overlaps.sort(Comparator.comparingDouble(Overlap::iou).reversed());
            for (Overlap o : overlaps) {
                int place = o.object - store.firstBox(image);
                if (!used[o.detection - from] && !taken[place]) {
                    used[o.detection - from] = true;
                    taken[place] = true;
                    counts[store.classIndex(o.object)][none]--;
                    counts[store.classIndex(o.object)][found.classes()[o.detection]]++;
                }
            }
            for (int d : left) {
                counts[none][found.classes()[d]] += used[d - from] ? 0 : 1;
            }
        }
        return new ConfusionMatrix(found.categories(), counts);
    }

    /** Objects of a class; of index K, detections without an object. */
    public int rowSum(int truth) {
        return Arrays.stream(counts[truth]).sum();
    }

    /** The pairs of classes that are taken for one another, the most frequent first. */
    public List<Pair> confused() {
        List<Pair> pairs = new ArrayList<>();
        for (int t = 0; t < categories.size(); t++) {
            for (int p = 0; p < categories.size(); p++) {
                if (t != p && counts[t][p] > 0) {
                    pairs.add(new Pair(t, p, counts[t][p], rowSum(t)));
                }
            }
        }
        pairs.sort(Comparator.comparingInt(Pair::count).reversed());
        return pairs;
    }

    /** The classes that take part in most confusions, at most {@code limit}, ascending: all where there are no more. */
    public int[] mostConfused(int limit) {
        int[] weight = new int[categories.size()];
        confused().forEach(pair -> {
            weight[pair.truth] += pair.count;
            weight[pair.taken] += pair.count;
        });
        int[] order = ScoreOrder.descending(Arrays.stream(weight).asDoubleStream().toArray());
        return Arrays.stream(order).limit(limit).sorted().toArray();
    }
}
