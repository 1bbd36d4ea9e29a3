package org.sparsercnn.viz;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.List;

/** A contact sheet: pictures in a grid, each scaled to fit its cell, with a caption below. */
public final class Montage {
    private static final Color PAPER = new Color(0xF7F7F5);
    private static final Color INK = new Color(0x2B2B2B);

    private Montage() {}

    /**
     * @param pictures at least one, of any sizes
     * @param captions as many, "" for none
     * @param columns pictures in a row
     * @param cellSidePx side of the square each picture is fitted into
     */
    public static BufferedImage of(List<BufferedImage> pictures, List<String> captions, int columns, int cellSidePx) {
        if (pictures.isEmpty() || pictures.size() != captions.size() || columns < 1 || cellSidePx < 16) {
            throw new IllegalArgumentException("a montage wants pictures, as many captions, and cells of 16 pixels or more");
        }
        int gap = Math.max(4, cellSidePx / 24);
        double cap = Math.max(9, cellSidePx / 34.0);
        boolean captioned = captions.stream().anyMatch(c -> !c.isBlank());
        int captionHeight = captioned ? (int) Math.ceil(2.2 * cap) : 0;
        List<BufferedImage> fitted = pictures.stream().map(p -> Pictures.fit(Pictures.rgbCopy(p), cellSidePx)).toList();
        int width = gap + Math.min(columns, fitted.size()) * (cellSidePx + gap);
        int height = gap;
        for (int first = 0; first < fitted.size(); first += columns) {
            height += tallest(fitted, first, columns) + captionHeight + gap;
        }
        BufferedImage sheet = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = Pictures.smooth(sheet);
        g.setColor(PAPER);
        g.fillRect(0, 0, width, height);
        int y = gap;
        for (int first = 0; first < fitted.size(); first += columns) {
            int rowHeight = tallest(fitted, first, columns);
            for (int i = first; i < Math.min(first + columns, fitted.size()); i++) {
                BufferedImage picture = fitted.get(i);
                int x = gap + (i - first) * (cellSidePx + gap) + (cellSidePx - picture.getWidth()) / 2;
                g.drawImage(picture, x, y + rowHeight - picture.getHeight(), null);
                g.setColor(INK);
                StrokeFont.draw(g, StrokeFont.fit(captions.get(i), cap, cellSidePx), x, y + rowHeight + 1.6 * cap, cap);
            }
            y += rowHeight + captionHeight + gap;
        }
        g.dispose();
        return sheet;
    }

    private static int tallest(List<BufferedImage> pictures, int first, int columns) {
        return pictures.stream().skip(first).limit(columns).mapToInt(BufferedImage::getHeight).max().orElse(0);
    }
}
