package org.sparsercnn.data.sampleset;

/** What the objects stand on: a colour gradient, noise, often a pattern, and clutter of lines, arcs, dots and blobs. */
final class Ground {
    private Ground() {}

    static void paint(Canvas canvas, SplitMix64 random) {
        canvas.fillAll(surface(canvas.size, random));
        int pieces = 3 + random.below(7);
        for (int i = 0; i < pieces; i++) {
            clutter(canvas, random);
        }
    }

    private static Canvas.Paint surface(int size, SplitMix64 random) {
        double unit = (double) size / Layout.NOMINAL_SIZE;
        float[] from = random.color(0, 0.6, 0.15, 0.95);
        float[] to = random.color(0, 0.6, 0.15, 0.95);
        double mix = random.between(0.2, 0.7); // rarely the full way to the other colour
        double[] along = random.direction();
        Texture coarse = Texture.noise(random, size, random.between(18, 44) * unit);
        Texture fine = Texture.noise(random, size, random.between(2.5, 9) * unit);
        Texture pattern = pattern(size, unit, random);
        float[] tint = random.color(0, 0.8, 0.6, 1); // the texture lightens and darkens in this colour
        float coarseBy = (float) random.between(0.03, 0.14);
        float fineBy = (float) random.between(0.02, 0.10);
        float patternBy = (float) random.between(0.02, 0.10);
        float dx = (float) (along[0] / size);
        float dy = (float) (along[1] / size);
        return (x, y, rgb) -> {
            float t = (float) mix * Math.clamp(0.5f + (x - size / 2f) * dx + (y - size / 2f) * dy, 0f, 1f);
            float add = coarseBy * coarse.at(x, y) + fineBy * fine.at(x, y) + patternBy * pattern.at(x, y);
            for (int c = 0; c < 3; c++) {
                rgb[c] = from[c] + t * (to[c] - from[c]) + add * tint[c];
            }
        };
    }

    private static Texture pattern(int size, double unit, SplitMix64 random) {
        return switch (random.below(6)) {
            case 0 -> Texture.stripes(random, random.between(5, 26) * unit, 1);
            case 1 -> Texture.stripes(random, random.between(8, 30) * unit, 4);
            case 2 -> Texture.checks(random, random.between(8, 30) * unit, random.between(1, 4));
            case 3 -> Texture.rings(random, size, random.between(7, 22) * unit);
            default -> (x, y) -> 0;
        };
    }

    private static void clutter(Canvas canvas, SplitMix64 random) {
        double unit = (double) canvas.size / Layout.NOMINAL_SIZE;
        float[] color = random.color(0, 0.9, 0.1, 1);
        Canvas.Paint paint = (x, y, rgb) -> System.arraycopy(color, 0, rgb, 0, 3);
        double x = random.between(0, canvas.size);
        double y = random.between(0, canvas.size);
        switch (random.below(5)) {
            case 0 -> canvas.fill(line(x, y, unit, random), paint);
            case 1 -> canvas.fill(arc(x, y, unit, random), paint);
            case 2 -> {
                int dots = 3 + random.below(8);
                for (int i = 0; i < dots; i++) { // far smaller than the smallest circle that is an object
                    double radius = random.between(0.6, 1.9) * unit;
                    double atX = x + random.between(-14, 14) * unit;
                    double atY = y + random.between(-14, 14) * unit;
                    canvas.fill(Shape.CIRCLE.outline().transformed(radius, 0, 0, radius, atX, atY), paint);
                }
            }
            default -> canvas.fill(blob(x, y, unit, random), paint);
        }
    }

    private static Polygon line(double x, double y, double unit, SplitMix64 random) {
        double[] along = random.direction();
        double length = random.between(12, 90) * unit;
        double[] px = {x - along[0] * length / 2, x + along[0] * length / 2};
        double[] py = {y - along[1] * length / 2, y + along[1] * length / 2};
        return Polygon.stroke(px, py, random.between(0.7, 3) * unit);
    }

    private static Polygon arc(double x, double y, double unit, SplitMix64 random) {
        int points = 18;
        double radius = random.between(7, 34) * unit;
        double start = random.between(0, 2 * Math.PI);
        double span = random.between(0.9, 3.4);
        double[] px = new double[points];
        double[] py = new double[points];
        for (int i = 0; i < points; i++) {
            double angle = start + span * i / (points - 1);
            px[i] = x + radius * StrictMath.cos(angle);
            py[i] = y + radius * StrictMath.sin(angle);
        }
        return Polygon.stroke(px, py, random.between(0.8, 4) * unit);
    }

    /** A lobed, elongated blot: as large and as bright as an object, but none of the classes. */
    private static Polygon blob(double x, double y, double unit, SplitMix64 random) {
        int points = 40;
        double radius = random.between(4, 15) * unit;
        double[] phases = {random.between(0, 6.28), random.between(0, 6.28), random.between(0, 6.28)};
        double[] swings = {random.between(0.22, 0.42), random.between(0.10, 0.25), random.between(0, 0.12)};
        double[] px = new double[points];
        double[] py = new double[points];
        for (int i = 0; i < points; i++) {
            double angle = 2 * Math.PI * i / points;
            double r = 1;
            for (int k = 0; k < 3; k++) {
                r += swings[k] * StrictMath.cos((k + 2) * angle + phases[k]);
            }
            px[i] = x + radius * r * StrictMath.cos(angle);
            py[i] = y + radius * r * StrictMath.sin(angle);
        }
        return new Polygon(px, py);
    }
}
