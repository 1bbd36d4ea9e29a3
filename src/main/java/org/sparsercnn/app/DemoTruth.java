package org.sparsercnn.app;

import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.sparsercnn.data.AnnotationStore;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.data.Image;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.viz.BoxLayer;
import org.sparsercnn.viz.DetectionPainter;
import org.sparsercnn.viz.Montage;
import org.sparsercnn.viz.Pictures;

/** The objects of an annotation file, beside what {@code demo} found. */
final class DemoTruth {
    private final AnnotationStore store;
    /** By the last part of its name. */
    private final Map<String, List<Integer>> images = new HashMap<>();

    /** @throws BadInput for a file that cannot be read */
    DemoTruth(Path json) {
        store = AnnotationStore.read(json);
        for (int i = 0; i < store.imageCount(); i++) {
            images.computeIfAbsent(last(store.fileName(i)), _ -> new ArrayList<>()).add(i);
        }
    }

    private static String last(String name) {
        return name.substring(name.lastIndexOf('/') + 1);
    }

    /**
     * Ground truth at the left, detections at the right, in the detector's colours where class names are equal.
     *
     * @param found the picture with detections
     * @throws BadInput if the annotation file does not have the picture, has several of its name, or another size for it
     */
    BufferedImage beside(BufferedImage found, Image image, Path file, CategoryMap colours) {
        int index = find(file);
        if (store.width(index) > 0 && (store.width(index) != image.width() || store.height(index) != image.height())) {
            throw BadInput.of("%s is %dx%d, in --gt %s %dx%d; its boxes would lie elsewhere", file, image.width(), image.height(),
                    store.source(), store.width(index), store.height(index));
        }
        int from = store.firstBox(index);
        int n = store.firstBox(index + 1) - from;
        float[] boxes = new float[4 * n];
        String[] labels = new String[n];
        int[] classes = new int[n];
        double[] b = new double[4];
        for (int i = 0; i < n; i++) {
            store.copyBoxXywhPx(from + i, b, 0);
            boxes[4 * i] = (float) b[0];
            boxes[4 * i + 1] = (float) b[1];
            boxes[4 * i + 2] = (float) (b[0] + b[2]);
            boxes[4 * i + 3] = (float) (b[1] + b[3]);
            int label = store.classIndex(from + i);
            labels[i] = store.categories().name(label) + (store.isCrowd(from + i) ? " (crowd)" : "");
            int same = colours.names().indexOf(store.categories().name(label));
            classes[i] = same >= 0 ? same : label;
        }
        BufferedImage truth = new DetectionPainter().paint(Pictures.fromRgb(image.pixels(), image.width(), image.height()),
                BoxLayer.groundTruth(boxes, labels, classes));
        return Montage.of(List.of(truth, found), List.of("ground truth", "detections"), 2, Math.max(found.getWidth(), found.getHeight()));
    }

    private int find(Path file) {
        List<Integer> same = images.getOrDefault(file.getFileName().toString(), List.of());
        List<Integer> exact = same.stream().filter(i -> file.endsWith(store.fileName(i))).toList();
        if (same.size() == 1 || exact.size() == 1) {
            return same.size() == 1 ? same.getFirst() : exact.getFirst();
        }
        throw BadInput.of("%s: --gt %s has %s images of that name; give the file that belongs to these pictures", file, store.source(),
                same.isEmpty() ? "no" : same.size());
    }
}
