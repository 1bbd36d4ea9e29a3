package org.sparsercnn.viz;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.Rectangle;
import java.awt.geom.Path2D;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.sparsercnn.viz.LineChart.Series;
import org.sparsercnn.viz.LineChart.Style;

/**
 * What the stages did with some proposals of a picture. A proposal keeps its colour and its name through all of them.
 *
 * @param picture what the boxes lie on
 * @param names N: how each proposal is called, "#17 person"
 * @param boxesXyxyPx S + 1 times N * 4, the start first, in pixels of the picture
 * @param scores S times N
 * @param attention N rows of N weights between these proposals; what is missing to 1 goes to the others
 */
public record StagePictures(BufferedImage picture, String[] names, List<float[]> boxesXyxyPx, List<float[]> scores, float[][] attention) {
    private static final Color INK = new Color(0x2B2B2B);
    private static final int CELL = 560;
    private static final int WIDTH = 1100;
    private static final double CAP = 13;
    /** Pictures between two stages in the animation. */
    private static final int STEPS = 6;
    private static final int ARROWS = 2;
    /** Weaker attention is not drawn on the picture: all pairs would hide it. */
    private static final double FAINT = 0.02;

    private int count() {
        return names.length;
    }

    /** All stages beside one another, as many in a row as keep the sheet about twice as wide as high. */
    public BufferedImage filmstrip() {
        List<BufferedImage> cells = new ArrayList<>();
        List<String> captions = new ArrayList<>();
        for (int s = 0; s < boxesXyxyPx.size(); s++) {
            cells.add(frame(s, 0));
            captions.add(caption(s));
        }
        return Montage.of(cells, captions, cells.size() <= 3 ? cells.size() : Math.ceilDiv(cells.size(), 2), CELL);
    }

    /** The boxes gliding from stage to stage, resting at each. */
    public List<AnimatedGif.Frame> animation() {
        List<AnimatedGif.Frame> frames = new ArrayList<>();
        for (int s = 0; s < boxesXyxyPx.size(); s++) {
            boolean last = s == boxesXyxyPx.size() - 1;
            frames.add(animated(s, 0, last ? 200 : 90));
            for (int k = 1; k < STEPS && !last; k++) {
                frames.add(animated(s, (double) k / STEPS, 6));
            }
        }
        return frames;
    }

    private AnimatedGif.Frame animated(int stage, double way, int hundredths) {
        String text = way == 0 ? caption(stage) : caption(stage) + " …";
        return new AnimatedGif.Frame(Montage.of(List.of(frame(stage, way)), List.of(text), 1, CELL), hundredths);
    }

    private static String caption(int stage) {
        return stage == 0 ? "learned start" : "after stage " + stage;
    }

    /** @param way 0: this stage's boxes, 1: the next stage's */
    private BufferedImage frame(int stage, double way) {
        float[] boxes = boxesXyxyPx.get(stage).clone();
        if (way > 0) {
            float[] next = boxesXyxyPx.get(stage + 1);
            for (int i = 0; i < boxes.length; i++) {
                boxes[i] += (float) (way * (next[i] - boxes[i]));
            }
        }
        int[] colours = IntStream.range(0, count()).toArray();
        return new DetectionPainter().paint(picture, new BoxLayer(boxes, names, stage == 0 ? null : scores.get(stage - 1), colours, false));
    }

    /** Each proposal's score, of the class it ends with, after every stage. */
    public BufferedImage scoresByStage() {
        double[] x = IntStream.rangeClosed(1, scores.size()).asDoubleStream().toArray();
        List<Series> lines = new ArrayList<>();
        for (int p = 0; p < count(); p++) {
            int at = p;
            double[] y = scores.stream().mapToDouble(s -> s[at]).toArray();
            lines.add(new Series(names[p], x, y, lineColour(p), Style.DOTTED));
        }
        return onPaper(WIDTH, 620, g -> new LineChart("Scores by stage", "stage", "score", new Axis(1, Math.max(2, scores.size()), 1),
                new Axis(0, 1, 0.2), lines).draw(g, new Rectangle(0, 0, WIDTH, 620), CAP));
    }

    /** On white paper the palette's light colours would not show. */
    static Color lineColour(int index) {
        Color colour = Palette.color(index);
        return Palette.contrast(colour, Color.WHITE) < 2.2 ? Palette.mix(colour, Color.BLACK, 0.3) : colour;
    }

    /** Who looks at whom: a row for each proposal, a column for each and one for all others together, in percent. */
    public BufferedImage attentionMatrix() {
        double widest = Arrays.stream(names).mapToDouble(n -> StrokeFont.width(n, CAP)).max().orElse(0);
        int cell = 64;
        int left = (int) (widest + 3 * CAP);
        int top = (int) (Math.min(widest, 200) + 7 * CAP);
        int width = Math.max(left + (count() + 1) * cell + 30, 620);
        return onPaper(width, top + count() * cell + 30, g -> {
            StrokeFont.draw(g, "Attention in the last stage, mean of heads, in %", CAP, 2.6 * CAP, 1.2 * CAP);
            for (int row = 0; row < count(); row++) {
                g.setColor(INK);
                StrokeFont.draw(g, names[row], left - CAP - StrokeFont.width(names[row], CAP), top + (row + 0.5) * cell + CAP / 2, CAP);
                for (int column = 0; column <= count(); column++) {
                    square(g, left + column * cell, top + row * cell, cell, column < count() ? attention[row][column] : others(row));
                }
            }
            g.setColor(INK);
            for (int column = 0; column <= count(); column++) {
                Graphics2D turned = (Graphics2D) g.create();
                turned.rotate(-Math.PI / 2, left + (column + 0.5) * cell + CAP / 2, top - CAP);
                StrokeFont.draw(turned, column < count() ? names[column] : "all others", left + (column + 0.5) * cell + CAP / 2, top - CAP, CAP);
                turned.dispose();
            }
        });
    }

    private double others(int row) {
        return 1 - IntStream.range(0, count()).mapToDouble(i -> attention[row][i]).sum();
    }

    /** The darker the more; the square root keeps small weights apart. */
    private static void square(Graphics2D g, int x, int y, int side, double weight) {
        Color ground = Palette.mix(Color.WHITE, new Color(0x08306B), Math.sqrt(Math.clamp(weight, 0, 1)));
        g.setColor(ground);
        g.fillRect(x, y, side - 2, side - 2);
        String text = String.format(Locale.ROOT, "%.1f", 100 * Math.max(0, weight));
        g.setColor(Palette.textOn(ground));
        StrokeFont.draw(g, text, x + (side - 2 - StrokeFont.width(text, CAP)) / 2, y + (side - 2 + CAP) / 2, CAP);
    }

    /** The last boxes with arrows from each proposal to the two it looks at most, the wider the more. */
    public BufferedImage attentionArrows() {
        BufferedImage drawn = frame(boxesXyxyPx.size() - 1, 0);
        double factor = (double) drawn.getWidth() / picture.getWidth();
        int line = DetectionPainter.lineWidth(drawn.getWidth(), drawn.getHeight());
        float[] b = boxesXyxyPx.getLast();
        Graphics2D g = Pictures.smooth(drawn);
        for (int from = 0; from < count(); from++) {
            for (int to = 0; to < count(); to++) {
                double weight = attention[from][to];
                if (from != to && weight >= FAINT && stronger(from, weight) < ARROWS) {
                    arrow(g, middle(b, from, 0) * factor, middle(b, from, 1) * factor, middle(b, to, 0) * factor, middle(b, to, 1) * factor,
                            line * (0.6 + 6 * weight), Palette.color(from));
                }
            }
        }
        g.dispose();
        return Montage.of(List.of(drawn), List.of("attention in the last stage: two strongest of each"), 1, 2 * CELL);
    }

    private long stronger(int from, double weight) {
        return IntStream.range(0, count()).filter(to -> to != from && attention[from][to] > weight).count();
    }

    private static double middle(float[] boxes, int i, int axis) {
        return (boxes[4 * i + axis] + boxes[4 * i + 2 + axis]) / 2.0;
    }

    /** Bent to the right, so that two who look at each other have two arrows. */
    private static void arrow(Graphics2D g, double x0, double y0, double x1, double y1, double width, Color colour) {
        double dx = x1 - x0;
        double dy = y1 - y0;
        double length = Math.hypot(dx, dy);
        if (length < 4 * width) {
            return; // on the same object: nothing to see between them
        }
        double bendX = (x0 + x1) / 2 - 0.14 * dy;
        double bendY = (y0 + y1) / 2 + 0.14 * dx;
        double toX = x1 - bendX;
        double toY = y1 - bendY;
        double reach = Math.hypot(toX, toY);
        double ux = toX / reach;
        double uy = toY / reach;
        double head = 3 * width + 7;
        Path2D shaft = new Path2D.Double();
        shaft.moveTo(x0, y0);
        shaft.quadTo(bendX, bendY, x1 - head * ux, y1 - head * uy);
        Path2D tip = new Path2D.Double();
        tip.moveTo(x1, y1);
        tip.lineTo(x1 - head * ux - head / 2 * uy, y1 - head * uy + head / 2 * ux);
        tip.lineTo(x1 - head * ux + head / 2 * uy, y1 - head * uy - head / 2 * ux);
        tip.closePath();
        g.setColor(new Color(0, 0, 0, 130));
        g.setStroke(new BasicStroke((float) width + 2));
        g.draw(shaft);
        g.setColor(colour);
        g.setStroke(new BasicStroke((float) width));
        g.draw(shaft);
        g.fill(tip);
    }

    static BufferedImage onPaper(int width, int height, Consumer<Graphics2D> draw) {
        BufferedImage paper = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = Pictures.smooth(paper);
        g.setColor(Color.WHITE);
        g.fillRect(0, 0, width, height);
        g.setColor(INK);
        draw.accept(g);
        g.dispose();
        return paper;
    }
}
