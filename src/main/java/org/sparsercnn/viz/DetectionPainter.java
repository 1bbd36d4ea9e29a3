package org.sparsercnn.viz;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.Rectangle;
import java.awt.geom.Area;
import java.awt.geom.Rectangle2D;
import java.awt.geom.RoundRectangle2D;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Draws boxes with labels and scores, legibly on a picture of any size: lines and letters grow with the picture, and a
 * picture too small to carry letters is magnified by a whole factor first ({@link #magnification}). Needs no font on the
 * machine ({@link StrokeFont}) and works headless.
 *
 * @param fillOpacity how much of the class colour is laid over a box, 0 (nothing) to 1
 * @param magnifySmall whether pictures whose longer side is below {@value #LEGIBLE_SIDE} pixels are magnified
 */
public record DetectionPainter(double fillOpacity, boolean magnifySmall) {
    /** Longer side from which on a picture carries labels without magnification. */
    static final int LEGIBLE_SIDE = 320;

    private static final double SMALLEST_CAP_HEIGHT = 9;
    private static final Color HALO = new Color(0, 0, 0, 110);

    private record Item(Rectangle box, String text, float score, Color color, boolean dashed) {}

    /** Outlines only, small pictures magnified. */
    public DetectionPainter() {
        this(0, true);
    }

    /** The whole factor by which {@link #paint} enlarges a picture of this size. */
    public int magnification(int width, int height) {
        return magnifySmall ? Math.ceilDiv(LEGIBLE_SIDE, Math.min(LEGIBLE_SIDE, Math.max(width, height))) : 1;
    }

    /**
     * A new picture with the layers drawn on it, better scores over worse ones. Pixels away from boxes and labels are
     * those of {@code picture}, each magnified to a block if the picture is small. Boxes stay in pixels of {@code picture}.
     */
    public BufferedImage paint(BufferedImage picture, BoxLayer... layers) {
        int factor = magnification(picture.getWidth(), picture.getHeight());
        BufferedImage canvas = Pictures.rgbCopy(picture);
        if (factor > 1) {
            canvas = Pictures.magnify(canvas, factor);
        }
        List<Item> items = new ArrayList<>();
        for (BoxLayer layer : layers) {
            collect(layer, factor, canvas.getWidth(), canvas.getHeight(), items);
        }
        items.sort(Comparator.comparingDouble(Item::score));
        Graphics2D g = Pictures.smooth(canvas);
        int line = lineWidth(canvas.getWidth(), canvas.getHeight());
        for (Item item : items) {
            frame(g, item, line, canvas);
        }
        labels(g, items.reversed(), canvas);
        g.dispose();
        return canvas;
    }

    /** Pixels between the two edges of a box's line, on a canvas of this size. */
    static int lineWidth(int width, int height) {
        return (int) Math.max(2, Math.round(Math.sqrt((double) width * height) / 300));
    }

    /** Pixels from foot to top of a capital letter on a canvas of this size; halves of seven, on which letters are crisp. */
    static double capHeight(int width, int height) {
        double wanted = Math.sqrt((double) width * height) / 75;
        return Math.max(SMALLEST_CAP_HEIGHT, Math.round(wanted / 3.5) * 3.5);
    }

    private static void collect(BoxLayer layer, int factor, int width, int height, List<Item> items) {
        float[] b = layer.boxesXyxyPx();
        for (int i = 0; i < layer.size(); i++) {
            float left = b[4 * i];
            float top = b[4 * i + 1];
            float right = b[4 * i + 2];
            float bottom = b[4 * i + 3];
            boolean drawable = left < right && top < bottom; // false for NaN too
            if (drawable && right > 0 && bottom > 0 && left * factor < width && top * factor < height) {
                int x0 = Math.round(Math.max(0, left * factor));
                int y0 = Math.round(Math.max(0, top * factor));
                int x1 = Math.round(Math.min(width, right * factor));
                int y1 = Math.round(Math.min(height, bottom * factor));
                Rectangle box = new Rectangle(x0, y0, Math.max(1, x1 - x0), Math.max(1, y1 - y0));
                float score = layer.scores() == null ? 1 : layer.scores()[i];
                items.add(new Item(box, layer.text(i), score, Palette.color(layer.classes()[i]), layer.dashed()));
            }
        }
    }

    private void frame(Graphics2D g, Item item, int pictureLine, BufferedImage canvas) {
        Rectangle box = item.box;
        int line = Math.clamp(Math.min(box.width, box.height) / 5, 1, pictureLine);
        int halo = Math.max(1, line / 4);
        Rectangle whole = new Rectangle(0, 0, canvas.getWidth(), canvas.getHeight());
        Rectangle outer = inset(box, -(line / 2)).intersection(whole); // at the border the line moves inwards, still whole
        if (fillOpacity > 0) {
            g.setColor(Palette.withAlpha(item.color, fillOpacity));
            g.fill(box);
        }
        g.setColor(HALO);
        g.fill(ring(inset(outer, -halo), line + 2 * halo));
        g.setColor(item.color);
        if (item.dashed) {
            g.setColor(Palette.textOn(item.color)); // black or white between the dashes: they show on any ground
            g.fill(ring(outer, line));
            g.setColor(item.color);
            float[] dash = {3.5f * line, 2.5f * line};
            g.setStroke(new BasicStroke(line, BasicStroke.CAP_BUTT, BasicStroke.JOIN_MITER, 10, dash, 0));
            double half = line / 2.0;
            g.draw(new Rectangle2D.Double(
                    outer.x + half, outer.y + half, Math.max(0, outer.width - line), Math.max(0, outer.height - line)));
        } else {
            g.fill(ring(outer, line));
        }
    }

    private static Area ring(Rectangle outer, int line) {
        Area ring = new Area(outer);
        Rectangle inner = inset(outer, line);
        if (!inner.isEmpty()) {
            ring.subtract(new Area(inner));
        }
        return ring;
    }

    private static Rectangle inset(Rectangle r, int by) {
        return new Rectangle(r.x + by, r.y + by, r.width - 2 * by, r.height - 2 * by);
    }

    /** Places labels best score first and paints them in the opposite order, so that the best lies on top if any overlap. */
    private static void labels(Graphics2D g, List<Item> bestFirst, BufferedImage canvas) {
        double cap = capHeight(canvas.getWidth(), canvas.getHeight());
        int padX = (int) Math.round(cap * 0.45);
        int padTop = (int) Math.ceil(cap * 0.40);
        int padBottom = (int) Math.ceil(cap * 0.44); // descenders reach 2/7 of the cap height
        int height = (int) Math.ceil(cap) + padTop + padBottom;
        List<Rectangle> boxes = bestFirst.stream().map(Item::box).toList();
        LabelLayout layout = new LabelLayout(canvas.getWidth(), canvas.getHeight(), boxes);
        List<Item> items = new ArrayList<>();
        List<String> texts = new ArrayList<>();
        List<Rectangle> places = new ArrayList<>();
        for (Item item : bestFirst) {
            String text = StrokeFont.fit(item.text, cap, canvas.getWidth() - 2.0 * padX);
            if (!text.isEmpty()) {
                items.add(item);
                texts.add(text);
                int width = (int) Math.ceil(StrokeFont.width(text, cap)) + 2 * padX;
                places.add(layout.place(item.box, width, height));
            }
        }
        for (int i = items.size() - 1; i >= 0; i--) {
            Rectangle r = places.get(i);
            double corner = cap * 0.35;
            g.setColor(items.get(i).color);
            g.fill(new RoundRectangle2D.Double(r.x, r.y, r.width, r.height, corner, corner));
            g.setColor(Palette.textOn(items.get(i).color));
            StrokeFont.draw(g, texts.get(i), r.x + padX, r.y + r.height - padBottom, cap);
        }
    }
}
