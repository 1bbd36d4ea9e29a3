package org.sparsercnn.viz.report;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleFunction;
import java.util.function.Function;
import org.sparsercnn.viz.Axis;

/**
 * A chart as inline SVG with its legend and caption. Colours are classes of the page's style sheet, so that it follows light and dark;
 * lines differ in their dashes too.
 *
 * @param caption what it shows, under it and for those who do not see it
 * @param xTick how a place on the x axis is written
 */
record SvgChart(String caption, String xLabel, String yLabel, Axis x, Axis y, DoubleFunction<String> xTick, DoubleFunction<String> yTick) {
    /** Line colours of the style sheet. */
    static final int COLORS = 6;
    private static final double WIDTH = 400;
    private static final double HEIGHT = 236;
    private static final double LEFT = 46;
    private static final double RIGHT = 10;
    private static final double TOP = 20;
    private static final double BOTTOM = 40;
    private static final double DIGIT = 6.6;

    SvgChart(String caption, String xLabel, String yLabel, Axis x, Axis y) {
        this(caption, xLabel, yLabel, x, y, x::label, y::label);
    }

    /** Bars of one kind: each of {@code values} from its left to its right edge, which take turns in {@code edges}. */
    record Bars(String name, double[] edges, double[] values, int color) {}

    /** A figure of curves that counts from zero, its axes as long as these. */
    static void lines(Html page, String caption, String xLabel, String yLabel, List<Curve> curves) {
        List<Curve> thin = curves.stream().filter(Curve::isDrawable).map(Curve::thinned).toList();
        double[] xRange = range(thin, true);
        double[] yRange = range(thin, false);
        Axis x = Axis.over(Math.min(0, xRange[0]), xRange[1], 4, false);
        Axis y = Axis.over(Math.min(0, yRange[0]), yRange[1], 5, true);
        new SvgChart(caption, xLabel, yLabel, x, y).draw(page, List.of(), thin, curve -> Numbers.brief(curve.last()));
    }

    private static double[] range(List<Curve> curves, boolean x) {
        double[] range = {Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
        for (Curve curve : curves) {
            for (double v : x ? curve.x() : curve.y()) {
                if (Double.isFinite(v)) {
                    range[0] = Math.min(range[0], v);
                    range[1] = Math.max(range[1], v);
                }
            }
        }
        return range;
    }

    /** Writes the figure; {@code value} is what the legend says of a line, "" for nothing. */
    void draw(Html page, List<Bars> bars, List<Curve> curves, Function<Curve, String> value) {
        page.element("figure", figure -> {
            figure.element("svg", svg -> {
                svg.element("title", caption);
                grid(svg);
                bars.forEach(b -> bars(svg, b));
                for (int i = 0; i < curves.size(); i++) {
                    line(svg, curves.get(i), color(i, bars));
                }
            }, "viewBox", "0 0 400 236", "role", "img", "aria-label", caption);
            figure.element("figcaption", text -> {
                text.element("span", caption);
                if (bars.size() + curves.size() > 1 || !curves.isEmpty() && !value.apply(curves.getFirst()).isEmpty()) {
                    text.element("ul", list -> {
                        bars.forEach(b -> list.element("li", item -> item.element("i", "", "class", "bar c" + b.color).text(b.name)));
                        for (int i = 0; i < curves.size(); i++) {
                            legend(list, curves.get(i), color(i, bars), value.apply(curves.get(i)));
                        }
                    }, "class", "legend");
                }
            });
        });
    }

    private static int color(int line, List<Bars> bars) {
        return (line + bars.size()) % COLORS;
    }

    private static void legend(Html list, Curve curve, int color, String value) {
        list.element("li", item -> {
            item.element("svg", line -> line.empty("path", "d", "M0 5H22", "class", "line c" + color), "viewBox", "0 0 22 10", "aria-hidden", "true");
            item.text(curve.name());
            if (!value.isEmpty()) {
                item.text(" ").element("b", value);
            }
        });
    }

    private void grid(Html svg) {
        for (double tick : y.ticks()) {
            String at = Numbers.place(py(tick));
            svg.empty("path", "d", "M" + Numbers.place(LEFT) + " " + at + "H" + Numbers.place(WIDTH - RIGHT), "class", "grid");
            svg.element("text", yTick.apply(tick), "x", Numbers.place(LEFT - 6), "y", Numbers.place(py(tick) + 4), "class", "end");
        }
        double free = 0; // ticks whose labels would touch are left out
        for (double tick : x.ticks()) {
            String label = xTick.apply(tick);
            double half = label.length() * DIGIT / 2;
            double at = Math.clamp(px(tick), half, WIDTH - half);
            if (at - half >= free) {
                svg.element("text", label, "x", Numbers.place(at), "y", Numbers.place(HEIGHT - BOTTOM + 15), "class", "mid");
                free = at + half + 8;
            }
        }
        svg.empty("path", "d", "M" + Numbers.place(LEFT) + " " + Numbers.place(HEIGHT - BOTTOM) + "H" + Numbers.place(WIDTH - RIGHT), "class", "axis");
        svg.element("text", xLabel, "x", Numbers.place((LEFT + WIDTH - RIGHT) / 2), "y", Numbers.place(HEIGHT - 7), "class", "mid name");
        svg.element("text", yLabel, "x", "2", "y", "11", "class", "name");
    }

    private void line(Html svg, Curve curve, int color) {
        StringBuilder path = new StringBuilder();
        List<double[]> run = new ArrayList<>();
        for (int i = 0; i < curve.x().length; i++) {
            if (Double.isFinite(curve.y()[i])) {
                run.add(new double[] {px(curve.x()[i]), Math.clamp(py(curve.y()[i]), 0, HEIGHT - BOTTOM)});
            } else {
                flush(svg, path, run, color);
            }
        }
        flush(svg, path, run, color);
        if (!path.isEmpty()) {
            svg.empty("path", "d", path.toString(), "class", "line c" + color);
        }
    }

    /** A stretch without gaps; a point alone, and few points, are dots as well. Points on a straight line between others are left out. */
    private static void flush(Html svg, StringBuilder path, List<double[]> run, int color) {
        if (run.size() <= 12) {
            run.forEach(p -> svg.empty("circle", "cx", Numbers.place(p[0]), "cy", Numbers.place(p[1]), "r", "2.6", "class", "dot c" + color));
        }
        for (int i = 0; i < run.size(); i++) {
            boolean straight = i > 0 && i + 1 < run.size() && Math.abs((run.get(i)[1] - run.get(i - 1)[1]) * (run.get(i + 1)[0] - run.get(i)[0])
                    - (run.get(i + 1)[1] - run.get(i)[1]) * (run.get(i)[0] - run.get(i - 1)[0])) < 1e-6;
            if (!straight) {
                path.append(i == 0 ? "M" : "L").append(Numbers.place(run.get(i)[0])).append(' ').append(Numbers.place(run.get(i)[1]));
            }
        }
        run.clear();
    }

    private void bars(Html svg, Bars bars) {
        for (int i = 0; i < bars.values.length; i++) {
            double top = py(bars.values[i]);
            if (Double.isFinite(bars.values[i]) && top < HEIGHT - BOTTOM) {
                svg.empty("rect", "x", Numbers.place(px(bars.edges[2 * i])), "y", Numbers.place(top), "width",
                        Numbers.place(Math.max(1, px(bars.edges[2 * i + 1]) - px(bars.edges[2 * i]))), "height", Numbers.place(HEIGHT - BOTTOM - top), "class", "fill c" + bars.color);
            }
        }
    }

    private double px(double value) {
        return LEFT + x.place(value) * (WIDTH - LEFT - RIGHT);
    }

    private double py(double value) {
        return HEIGHT - BOTTOM - y.place(value) * (HEIGHT - TOP - BOTTOM);
    }
}
