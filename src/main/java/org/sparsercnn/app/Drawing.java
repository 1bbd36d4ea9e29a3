package org.sparsercnn.app;

import java.awt.image.BufferedImage;
import java.util.Arrays;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.data.Image;
import org.sparsercnn.model.Detections;
import org.sparsercnn.viz.BoxLayer;
import org.sparsercnn.viz.DetectionPainter;
import org.sparsercnn.viz.Pictures;

/** A picture with what was found in it. */
final class Drawing {
    private Drawing() {}

    /** @param found in pixels of {@code image}, which is RGB */
    static BufferedImage of(Image image, Detections found, CategoryMap categories) {
        String[] labels = Arrays.stream(found.classes()).mapToObj(categories::name).toArray(String[]::new);
        return new DetectionPainter().paint(Pictures.fromRgb(image.pixels(), image.width(), image.height()),
                BoxLayer.detections(found.boxesXyxyPx(), labels, found.scores(), found.classes()));
    }
}
