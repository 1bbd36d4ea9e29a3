package org.sparsercnn.data.sampleset;

import java.util.List;

/**
 * One generated picture: textured ground, clutter that is no class, then the objects. Colour, texture, contrast and turn are
 * drawn without regard to the class, so that only the shape tells it.
 *
 * @param rgb size x size x 3 bytes
 * @param objects in painting order
 */
record Scene(int size, byte[] rgb, List<Layout.Placed> objects) {
    /** Least distance of an object's colour from what lies below it, in RGB of [0, 1]. */
    private static final double LEAST_CONTRAST = 0.30;

    /** The picture {@code index} of the set {@code seed}; the same bytes on every machine. */
    static Scene draw(int size, long seed, long index) {
        SplitMix64 random = new SplitMix64(seed, index);
        List<Layout.Placed> objects = Layout.draw(size, random);
        Canvas canvas = new Canvas(size);
        Ground.paint(canvas, random);
        for (Layout.Placed object : objects) {
            paint(canvas, object.outline(), random);
        }
        return new Scene(size, canvas.toRgb(random, random.between(0.5, 5)), objects);
    }

    private static void paint(Canvas canvas, Polygon outline, SplitMix64 random) {
        float[] color = contrasting(canvas.mean(outline), random);
        if (random.chance(0.35)) { // an edge line, inside the outline so that the box stays tight
            canvas.fill(outline, shade(color, random.chance(0.5) ? -0.35f : 0.35f));
            double keep = random.between(0.74, 0.86);
            double centreX = mean(outline.xs());
            double centreY = mean(outline.ys());
            Polygon inner =
                    outline.transformed(keep, 0, 0, keep, (1 - keep) * centreX, (1 - keep) * centreY);
            canvas.fill(inner, skin(color, outline, canvas.size, random));
        } else {
            canvas.fill(outline, skin(color, outline, canvas.size, random));
        }
    }

    /** A plain, shaded, striped or mottled surface around {@code color}. */
    private static Canvas.Paint skin(float[] color, Polygon outline, int size, SplitMix64 random) {
        double width = outline.right() - outline.left();
        float strength = (float) random.between(0.06, 0.18);
        Texture texture =
                switch (random.below(5)) {
                    case 0 -> (x, y) -> 0;
                    case 1, 2 -> slope(outline, random);
                    case 3 -> Texture.stripes(random, random.between(0.18, 0.45) * width + 2, 2.5);
                    default -> Texture.noise(random, size, Math.max(3, random.between(0.12, 0.3) * width));
                };
        return (x, y, rgb) -> {
            float add = strength * texture.at(x, y);
            for (int c = 0; c < 3; c++) {
                rgb[c] = color[c] + add;
            }
        };
    }

    /** -1 on one side of the object to 1 on the other, as if lit from there. */
    private static Texture slope(Polygon outline, SplitMix64 random) {
        double[] light = random.direction();
        double centreX = (outline.left() + outline.right()) / 2;
        double centreY = (outline.top() + outline.bottom()) / 2;
        double half = (outline.right() - outline.left()) / 2;
        return (x, y) -> (float) (((x - centreX) * light[0] + (y - centreY) * light[1]) / half);
    }

    private static Canvas.Paint shade(float[] color, float by) {
        return (x, y, rgb) -> {
            for (int c = 0; c < 3; c++) {
                rgb[c] = Math.clamp(color[c] + by, 0f, 1f);
            }
        };
    }

    private static float[] contrasting(float[] below, SplitMix64 random) {
        float[] best = null;
        double bestDistance = -1;
        for (int i = 0; i < 12 && bestDistance < LEAST_CONTRAST; i++) {
            float[] color = random.color(0.05, 0.95, 0.2, 1);
            double distance = 0;
            for (int c = 0; c < 3; c++) {
                distance += (color[c] - below[c]) * (color[c] - below[c]);
            }
            if (Math.sqrt(distance) > bestDistance) {
                best = color;
                bestDistance = Math.sqrt(distance);
            }
        }
        return best;
    }

    private static double mean(double[] values) {
        double sum = 0;
        for (double v : values) {
            sum += v;
        }
        return sum / values.length;
    }
}
