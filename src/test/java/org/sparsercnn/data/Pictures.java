package org.sparsercnn.data;

import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.sparsercnn.config.InputConfig;

/** What the tests of this package share. */
final class Pictures {
    private Pictures() {}

    /** A test resource as a file, for instance {@code golden/image/j420.jpg}. */
    static Path resource(String name) {
        URL url = Pictures.class.getClassLoader().getResource(name);
        if (url == null) {
            throw new AssertionError("no test resource " + name);
        }
        try {
            return Path.of(url.toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    static Image noise(int width, int height, long seed) {
        byte[] pixels = new byte[width * height * 3];
        new Random(seed).nextBytes(pixels);
        return new Image(width, height, pixels);
    }

    /** INPUT with the given training lengths, RGB, horizontal flips. */
    static InputConfig input(List<Integer> minSizes, int maxSize, boolean crop) {
        return new InputConfig("RGB", minSizes, "choice", maxSize, 120, 200, "horizontal",
                new InputConfig.Crop(crop, "absolute_range", List.of(384.0, 600.0)));
    }

    /** A record of one picture with boxes of class 0, 1, … */
    static ImageRecord record(Path file, int width, int height, double... boxesXywhPx) {
        int m = boxesXywhPx.length / 4;
        int[] classes = new int[m];
        long[] ids = new long[m];
        for (int i = 0; i < m; i++) {
            classes[i] = i;
            ids[i] = i + 1;
        }
        return new ImageRecord(7, file.getFileName().toString(), file, width, height, boxesXywhPx, classes, new boolean[m],
                new double[m], ids);
    }
}
