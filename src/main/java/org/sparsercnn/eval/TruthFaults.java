package org.sparsercnn.eval;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.sparsercnn.box.Boxes;
import org.sparsercnn.data.AnnotationStore;
import org.sparsercnn.data.Metric;
import org.sparsercnn.util.Examples;
import org.sparsercnn.eval.CocoOptions.AreaRange;

/** What in a ground truth keeps a detector that finds every object from the full score, and what is likely a slip beside it. */
public final class TruthFaults {
    /** COCO's strictest overlap. */
    private static final double STRICTEST_IOU = 0.95;

    private final AnnotationStore truth;
    private final Metric metric;

    public TruthFaults(GroundTruth truth, Metric metric) {
        this.truth = truth.annotations();
        this.metric = metric;
    }

    /** Whether a box is to be found: a crowd region is not, nor, for CrowdHuman, one flagged "ignore". */
    public boolean isObject(int box) {
        return !truth.isCrowd(box) && !(metric == Metric.CROWDHUMAN && truth.isIgnored(box));
    }

    /** Boxes to be found. */
    public int objects() {
        return (int) IntStream.range(0, truth.boxCount()).filter(this::isObject).count();
    }

    /** One box that is to be found. */
    private record Instance(int image, int category, double x, double y, double width, double height) {
        boolean hasArea() {
            return width > 0 && height > 0;
        }

        double[] xywh() {
            return new double[] {x, y, width, height};
        }
    }

    private Instance instance(int image, int box) {
        double[] b = new double[4];
        truth.copyBoxXywhPx(box, b, 0);
        return new Instance(image, truth.classIndex(box), b[0], b[1], b[2], b[3]);
    }

    @FunctionalInterface
    private interface Check {
        boolean faulty(int box, Instance instance);
    }

    private record Kind(String what, String remedy, Check check) {}

    /** One line for each kind of fault that occurs: {@code boxes without area: 2 (annotation ids 4, 9); no detection …}. */
    public List<String> lines() {
        List<Kind> kinds = new ArrayList<>();
        kinds.add(new Kind("boxes without area", "no detection overlaps them; correct or remove them", (_, b) -> !b.hasArea()));
        kinds.add(new Kind("boxes too small for their coordinates", "they do not even overlap themselves; correct or remove them",
                (_, b) -> b.hasArea() && !(Boxes.cocoIouXywh(b.xywh(), 0, b.xywh(), 0, false) > STRICTEST_IOU)));
        switch (metric) {
            case COCO -> {
                kinds.add(new Kind("objects whose \"area\" is negative or absurdly large", "they do not count; correct it or leave it out",
                        (i, b) -> b.hasArea() && AreaRange.ALL.excludes(truth.area(i))));
                kinds.add(new Kind("objects with annotation id 0", "pycocotools takes a hit on it for a miss; number annotations from 1",
                        (i, _) -> truth.annotationId(i) == 0));
            }
            case CROWDHUMAN -> kinds.add(new Kind("boxes outside their image", "the metric clips them away; correct or remove them",
                    (_, b) -> b.hasArea() && isOutside(b)));
        }
        Set<Instance> seen = new HashSet<>();
        kinds.add(new Kind("boxes that repeat another of the same class and image",
                "a detector that finds the object once misses them; probably labelled twice", (_, b) -> !seen.add(b)));
        return kinds.stream().flatMap(this::line).toList();
    }

    private boolean isOutside(Instance b) {
        return b.x + b.width <= 0 || b.y + b.height <= 0 || b.x >= truth.width(b.image) || b.y >= truth.height(b.image);
    }

    private Stream<String> line(Kind kind) {
        Examples found = new Examples();
        for (int image = 0; image < truth.imageCount(); image++) {
            for (int box = truth.firstBox(image); box < truth.firstBox(image + 1); box++) {
                if (isObject(box) && kind.check.faulty(box, instance(image, box))) {
                    found.add(truth.annotationId(box));
                }
            }
        }
        return found.count() == 0 ? Stream.empty()
                : Stream.of("%s: %d (annotation ids %s); %s".formatted(kind.what, found.count(), found, kind.remedy));
    }

    /** Where the limit on detections counts. */
    private record Cell(int image, int category) {}

    private Map<Cell, Integer> cells() {
        Map<Cell, Integer> objects = new HashMap<>();
        for (int image = 0; image < truth.imageCount(); image++) {
            for (int box = truth.firstBox(image); box < truth.firstBox(image + 1); box++) {
                if (isObject(box)) {
                    objects.merge(new Cell(image, truth.classIndex(box)), 1, Integer::sum);
                }
            }
        }
        return objects;
    }

    /** Most objects of one category in one image. */
    public int mostObjects() {
        return cells().values().stream().mapToInt(n -> n).max().orElse(0);
    }

    /**
     * Images with more than {@code limit} objects of one category, the fullest first, as {@code 17 (143 person)}: no more than that
     * many detections count, so the others cannot be found.
     */
    public Examples crowdedImages(int limit) {
        return Examples.of(cells().entrySet().stream().filter(e -> e.getValue() > limit)
                .sorted(Map.Entry.<Cell, Integer>comparingByValue().reversed().thenComparing(e -> e.getKey().image))
                .map(e -> truth.imageId(e.getKey().image) + " (" + e.getValue() + " " + truth.categories().name(e.getKey().category) + ")"));
    }
}
