package org.sparsercnn.viz;

import java.awt.Color;

/**
 * Colours by class index that people with colour-blindness can tell apart: the eight of Okabe and Ito (2008) without black
 * and with a light grey in its place, then the same hues lighter and darker. After 24 classes they repeat; the label tells
 * the rest.
 */
public final class Palette {
    private static final int[] OKABE_ITO = {0xE69F00, 0x56B4E9, 0x009E73, 0xF0E442, 0x0072B2, 0xD55E00, 0xCC79A7, 0xBBBBBB};

    private Palette() {}

    /** The colour of class {@code index} (0-based; any int). */
    public static Color color(int index) {
        int place = Math.floorMod(index, 3 * OKABE_ITO.length);
        Color base = new Color(OKABE_ITO[place % OKABE_ITO.length]);
        return switch (place / OKABE_ITO.length) {
            case 0 -> base;
            case 1 -> mix(base, Color.WHITE, 0.45);
            default -> mix(base, Color.BLACK, 0.40);
        };
    }

    /** Black or white, whichever stands out more from {@code background}. */
    public static Color textOn(Color background) {
        return contrast(background, Color.BLACK) >= contrast(background, Color.WHITE) ? Color.BLACK : Color.WHITE;
    }

    /** Contrast ratio of WCAG 2.1, 1 (none) to 21 (black on white); 4.5 is its bound for ordinary text. */
    public static double contrast(Color a, Color b) {
        double la = luminance(a);
        double lb = luminance(b);
        return (Math.max(la, lb) + 0.05) / (Math.min(la, lb) + 0.05);
    }

    static Color withAlpha(Color color, double alpha) {
        return new Color(color.getRed(), color.getGreen(), color.getBlue(), (int) Math.round(255 * alpha));
    }

    static Color mix(Color from, Color to, double share) {
        return new Color(
                (int) Math.round(from.getRed() + share * (to.getRed() - from.getRed())),
                (int) Math.round(from.getGreen() + share * (to.getGreen() - from.getGreen())),
                (int) Math.round(from.getBlue() + share * (to.getBlue() - from.getBlue())));
    }

    private static double luminance(Color c) {
        return 0.2126 * linear(c.getRed()) + 0.7152 * linear(c.getGreen()) + 0.0722 * linear(c.getBlue());
    }

    private static double linear(int srgb) {
        double v = srgb / 255.0;
        return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4);
    }
}
