package org.sparsercnn.viz;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.Rectangle;
import java.awt.Shape;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Line2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.util.List;
import java.util.Locale;

/**
 * One chart with axes, grid, lines and a legend at the right. Drawn with {@link StrokeFont}: charting libraries draw text
 * with java.awt.Font and fail on a machine that has none.
 *
 * @param x the axis below; null becomes one that spans the data
 * @param y the axis at the left; null becomes one that spans the data
 */
record LineChart(String title, String xLabel, String yLabel, Axis x, Axis y, List<Series> series) {
    /** How a line is drawn: plain, thin and pale (raw values behind a smoothed line), or with a dot at each value. */
    enum Style {
        LINE,
        PALE,
        DOTTED
    }

    /** A line through (x, y); a y that is not finite breaks it. An unnamed one has no place in the legend. */
    record Series(String name, double[] x, double[] y, Color color, Style style) {
        Series {
            if (x.length != y.length) {
                throw new IllegalArgumentException(name + ": " + x.length + " x values and " + y.length + " y values");
            }
        }
    }

    static final Color PAPER = Color.WHITE;
    private static final Color INK = new Color(0x2B2B2B);
    private static final Color SOFT_INK = new Color(0x5F5F5F);
    private static final Color GRID = new Color(0xE4E4E0);
    private static final int TICKS = 8;
    private static final int MOST_LEGEND_ROWS = 18;

    LineChart {
        series = List.copyOf(series);
        x = x != null ? x : spanning(series, true);
        y = y != null ? y : spanning(series, false);
    }

    /** Draws into {@code area}; {@code cap} is the cap height of tick labels in pixels, everything else follows from it. */
    void draw(Graphics2D g, Rectangle area, double cap) {
        draw(g, area, cap, leftMargin(cap), rightMargin(cap));
    }

    /** Draws with margins that are given, so that charts above one another have their axes in line. */
    void draw(Graphics2D g, Rectangle area, double cap, double leftMargin, double rightMargin) {
        double top = area.y + cap * (title.isEmpty() ? 1.5 : 4.5);
        double bottom = area.y + area.height - cap * (xLabel.isEmpty() ? 3.5 : 6);
        double left = area.x + leftMargin;
        double right = area.x + area.width - rightMargin;
        Rectangle2D plot = new Rectangle2D.Double(left, top, right - left, bottom - top);

        g.setColor(INK);
        StrokeFont.draw(g, StrokeFont.fit(title, 1.35 * cap, area.width - 2 * cap), left, area.y + cap * 2.6, 1.35 * cap);
        grid(g, plot, cap);
        Shape clip = g.getClip();
        g.clip(new Rectangle2D.Double(left - cap / 2, top - cap / 2, right - left + cap, bottom - top + cap));
        for (Series s : series) {
            line(g, s, plot, cap);
        }
        g.setClip(clip);
        legend(g, right + 1.5 * cap, top, bottom, cap);
    }

    private void grid(Graphics2D g, Rectangle2D plot, double cap) {
        double left = plot.getMinX();
        double bottom = plot.getMaxY();
        for (double tick : y.ticks()) {
            double at = bottom - y.place(tick) * plot.getHeight();
            rule(g, left, at, plot.getMaxX(), at, GRID, cap * 0.10);
            String label = y.label(tick);
            g.setColor(SOFT_INK);
            StrokeFont.draw(g, label, left - cap - StrokeFont.width(label, cap), at + cap / 2, cap);
        }
        for (double tick : x.ticks()) {
            double at = left + x.place(tick) * plot.getWidth();
            rule(g, at, plot.getMinY(), at, bottom, GRID, cap * 0.10);
            String label = x.label(tick);
            g.setColor(SOFT_INK);
            StrokeFont.draw(g, label, at - StrokeFont.width(label, cap) / 2, bottom + 2.2 * cap, cap);
        }
        rule(g, left, bottom, plot.getMaxX(), bottom, SOFT_INK, cap * 0.14);
        rule(g, left, plot.getMinY(), left, bottom, SOFT_INK, cap * 0.14);
        g.setColor(INK);
        double middle = plot.getCenterX() - StrokeFont.width(xLabel, cap) / 2;
        StrokeFont.draw(g, xLabel, middle, bottom + 4.7 * cap, cap);
        Graphics2D turned = (Graphics2D) g.create();
        double labelX = left - 2.2 * cap - widestTick(cap);
        turned.translate(labelX, plot.getCenterY() + StrokeFont.width(yLabel, cap) / 2);
        turned.rotate(-Math.PI / 2);
        StrokeFont.draw(turned, yLabel, 0, 0, cap);
        turned.dispose();
    }

    double leftMargin(double cap) {
        return 4 * cap + widestTick(cap);
    }

    double rightMargin(double cap) {
        double widest = named().stream().mapToDouble(s -> StrokeFont.width(s.name, cap)).max().orElse(-4 * cap);
        return widest + 6 * cap;
    }

    private double widestTick(double cap) {
        return y.ticks().stream().mapToDouble(t -> StrokeFont.width(y.label(t), cap)).max().orElse(0);
    }

    private static void rule(Graphics2D g, double x0, double y0, double x1, double y1, Color color, double width) {
        g.setColor(color);
        g.setStroke(new BasicStroke((float) width, BasicStroke.CAP_BUTT, BasicStroke.JOIN_MITER));
        g.draw(new Line2D.Double(x0, y0, x1, y1));
    }

    private void line(Graphics2D g, Series s, Rectangle2D plot, double cap) {
        boolean pale = s.style == Style.PALE;
        g.setColor(pale ? Palette.mix(s.color, PAPER, 0.65) : s.color);
        g.setStroke(new BasicStroke(
                (float) (cap * (pale ? 0.11 : 0.24)), BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
        Path2D path = new Path2D.Double();
        boolean open = false;
        double radius = cap * 0.42;
        for (int i = 0; i < s.x.length; i++) {
            if (!Double.isFinite(s.y[i]) || !Double.isFinite(s.x[i])) {
                open = false;
                continue;
            }
            double px = plot.getMinX() + x.place(s.x[i]) * plot.getWidth();
            // Far outliers are cut by the clip; the bound only keeps the rasteriser's numbers small.
            double py = plot.getMaxY() - Math.clamp(y.place(s.y[i]), -2, 3) * plot.getHeight();
            if (open) {
                path.lineTo(px, py);
            } else {
                path.moveTo(px, py);
            }
            open = true;
            if (s.style == Style.DOTTED) {
                g.fill(new Ellipse2D.Double(px - radius, py - radius, 2 * radius, 2 * radius));
            }
        }
        g.draw(path);
    }

    private List<Series> named() {
        return series.stream().filter(s -> !s.name.isEmpty()).toList();
    }

    private void legend(Graphics2D g, double left, double top, double bottom, double cap) {
        List<Series> named = named();
        int room = (int) Math.min(MOST_LEGEND_ROWS, (bottom - top) / (2.2 * cap));
        int rows = named.size() <= room ? named.size() : room - 1;
        for (int i = 0; i < rows; i++) {
            double base = top + (1 + 2.2 * i) * cap;
            rule(g, left, base - cap / 2, left + 2 * cap, base - cap / 2, named.get(i).color, cap * 0.4);
            g.setColor(INK);
            StrokeFont.draw(g, named.get(i).name, left + 2.8 * cap, base, cap);
        }
        if (rows < named.size()) {
            g.setColor(SOFT_INK);
            String more = String.format(Locale.ROOT, "… and %d more", named.size() - rows);
            StrokeFont.draw(g, more, left, top + (1 + 2.2 * rows) * cap, cap);
        }
    }

    private static Axis spanning(List<Series> series, boolean alongX) {
        double low = Double.POSITIVE_INFINITY;
        double high = Double.NEGATIVE_INFINITY;
        for (Series s : series) {
            for (double v : alongX ? s.x : s.y) {
                if (Double.isFinite(v)) {
                    low = Math.min(low, v);
                    high = Math.max(high, v);
                }
            }
        }
        return low > high ? new Axis(0, 1, 0.2) : Axis.over(low, high, TICKS, !alongX);
    }
}
