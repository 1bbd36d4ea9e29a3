package org.sparsercnn.app;

import java.awt.image.BufferedImage;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.sparsercnn.data.AnnotationStore;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.data.Image;
import org.sparsercnn.data.ImageDecoder;
import org.sparsercnn.eval.Analysis;
import org.sparsercnn.eval.Detections;
import org.sparsercnn.eval.GroundTruth;
import org.sparsercnn.eval.ImageScore;
import org.sparsercnn.eval.Outcomes;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.viz.BoxLayer;
import org.sparsercnn.viz.DetectionPainter;
import org.sparsercnn.viz.Pictures;
import org.sparsercnn.viz.report.SetData.Gallery;
import org.sparsercnn.viz.report.SetData.Shot;

/** The worst and the best images of a set as small pictures, ground truth and detections in them. */
final class GalleryShots {
    private static final int SIDE_PX = 480;
    private static final float QUALITY = 0.8f;

    private final AnnotationStore truth;
    private final Detections detections;
    private final Analysis analysis;
    private final Optional<IntFunction<Path>> files;
    private final Path page;

    /** @param page the folder that links begin in */
    GalleryShots(GroundTruth truth, Detections detections, Analysis analysis, Optional<IntFunction<Path>> files, Path page) {
        this.truth = truth.annotations();
        this.detections = detections;
        this.analysis = analysis;
        this.files = files;
        this.page = page.toAbsolutePath().normalize();
    }

    /** @param most of the worst and of the best each */
    Gallery of(int most) {
        List<ImageScore> images = analysis.images();
        if (files.isEmpty() || images.isEmpty() || most == 0) {
            return new Gallery(List.of(), List.of(), files.isEmpty() ? "Where the pictures are is not known: report with --images FOLDER shows them."
                    : "No image has an object or a detection that counts.");
        }
        List<ImageScore> worst = images.reversed().stream().limit(Math.min(most, Math.ceilDiv(images.size(), 2))).filter(image -> image.f1() < 1).toList();
        List<ImageScore> best = images.stream().limit(Math.min(most, images.size() - worst.size())).filter(image -> image.f1() > 0).toList();
        return new Gallery(worst.stream().map(this::shot).toList(), best.stream().map(this::shot).toList(), "");
    }

    private Shot shot(ImageScore score) {
        String name = truth.fileName(score.image());
        String caption = "F1 %d %%: %d of %d found, %d %s".formatted(Math.round(100 * score.f1()), score.hits(), score.hits() + score.misses(),
                score.mistakes(), score.mistakes() == 1 ? "mistake" : "mistakes");
        Path file = files.orElseThrow().apply(score.image());
        String link = Files.exists(file) ? link(file) : "";
        try {
            BufferedImage picture = painted(ImageDecoder.read(file), score.image());
            return new Shot(name, link, Pictures.jpeg(picture, QUALITY), picture.getWidth(), picture.getHeight(), caption, "");
        } catch (BadInput e) {
            return new Shot(name, link, new byte[0], 0, 0, caption, e.getMessage());
        }
    }

    /** Relative, so that the page and the pictures can move together. */
    private String link(Path file) {
        try {
            String path = page.relativize(file.toAbsolutePath().normalize()).toString();
            return new URI(null, null, "./" + path, null).toASCIIString(); // ./ keeps a colon from being taken for a scheme
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private BufferedImage painted(Image image, int index) {
        BufferedImage picture = Pictures.fromRgb(image.pixels(), image.width(), image.height());
        int longer = Math.max(image.width(), image.height());
        double scale = Math.min(1, (double) SIDE_PX / longer);
        BufferedImage small = scale < 1 ? Pictures.fit(picture, SIDE_PX) : picture;
        return new DetectionPainter().paint(small, objects(index, scale), found(index, scale));
    }

    private BoxLayer objects(int image, double scale) {
        CategoryMap names = truth.categories();
        int[] boxes = IntStream.range(truth.firstBox(image), truth.firstBox(image + 1)).toArray();
        double[] xywhPx = new double[4 * boxes.length];
        for (int i = 0; i < boxes.length; i++) {
            truth.copyBoxXywhPx(boxes[i], xywhPx, 4 * i);
        }
        int[] classes = Arrays.stream(boxes).map(truth::classIndex).toArray();
        String[] labels = Arrays.stream(boxes).mapToObj(box -> names.name(truth.classIndex(box)) + (analysis.outcomes().counted()[box] ? "" : " (not counted)"))
                .toArray(String[]::new);
        return BoxLayer.groundTruth(corners(xywhPx, scale), labels, classes);
    }

    private BoxLayer found(int image, double scale) {
        Outcomes all = analysis.outcomes();
        int at = Arrays.binarySearch(all.images(), image);
        List<Integer> shown = new ArrayList<>();
        if (at >= 0) {
            while (at > 0 && all.images()[at - 1] == image) {
                at--;
            }
            for (; at < all.count() && all.images()[at] == image; at++) {
                if (all.scores()[at] >= analysis.point().score()) {
                    shown.add(at);
                }
            }
        }
        double[] xywhPx = new double[4 * shown.size()];
        float[] scores = new float[shown.size()];
        for (int i = 0; i < scores.length; i++) {
            System.arraycopy(detections.boxesXywhPx(), 4 * all.rows()[shown.get(i)], xywhPx, 4 * i, 4);
            scores[i] = (float) all.scores()[shown.get(i)];
        }
        int[] classes = shown.stream().mapToInt(i -> all.classes()[i]).toArray();
        return BoxLayer.detections(corners(xywhPx, scale), Arrays.stream(classes).mapToObj(truth.categories()::name).toArray(String[]::new), scores, classes);
    }

    private static float[] corners(double[] xywhPx, double scale) {
        float[] xyxyPx = new float[xywhPx.length];
        for (int o = 0; o < xyxyPx.length; o += 4) {
            xyxyPx[o] = (float) (scale * xywhPx[o]);
            xyxyPx[o + 1] = (float) (scale * xywhPx[o + 1]);
            xyxyPx[o + 2] = (float) (scale * (xywhPx[o] + xywhPx[o + 2]));
            xyxyPx[o + 3] = (float) (scale * (xywhPx[o + 1] + xywhPx[o + 3]));
        }
        return xyxyPx;
    }
}
