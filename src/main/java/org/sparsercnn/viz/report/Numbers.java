package org.sparsercnn.viz.report;

import java.util.Locale;

/** Numbers as the page shows them. */
final class Numbers {
    private static final String UNDEFINED = "n/a";

    private Numbers() {}

    /** A fraction in percent with one decimal; "n/a" of NaN and of COCO's -1. */
    static String percent(double fraction) {
        return !Double.isFinite(fraction) || fraction < 0 ? UNDEFINED : decimal(100 * fraction, 1);
    }

    /** "+1.3", "−0.4" or "0.0" percent points; "n/a" where one is undefined. */
    static String gain(double fraction) {
        return difference(100 * fraction, 1);
    }

    /** With a sign. */
    static String difference(double value, int decimals) {
        if (!Double.isFinite(value)) {
            return UNDEFINED;
        }
        String size = decimal(Math.abs(value), decimals);
        return size.matches("[0.]*") ? size : (value > 0 ? "+" : "−") + size;
    }

    static String decimal(double value, int decimals) {
        return Double.isFinite(value) ? String.format(Locale.ROOT, "%." + decimals + "f", value) : UNDEFINED;
    }

    static String count(long n) {
        return String.format(Locale.ROOT, "%,d", n);
    }

    /** "1 object", "2 objects". */
    static String count(long n, String noun) {
        return count(n) + " " + noun + (n == 1 ? "" : "s");
    }

    /** Four significant digits at most, without needless zeros. */
    static String brief(double value) {
        if (!Double.isFinite(value)) {
            return UNDEFINED;
        }
        double size = Math.abs(value);
        if (size != 0 && (size < 1e-3 || size >= 1e6)) {
            return String.format(Locale.ROOT, "%.2e", value).replaceAll("\\.?0*e([+-])0*", "e$1").replace("e+", "e");
        }
        int decimals = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4;
        String text = String.format(Locale.ROOT, "%." + decimals + "f", value);
        return text.contains(".") ? text.replaceAll("0+$", "").replaceAll("\\.$", "") : text;
    }

    /** "12.3 ms" or "1.20 s". */
    static String seconds(double seconds) {
        return !Double.isFinite(seconds) ? UNDEFINED : seconds < 1 ? brief(Math.round(seconds * 1e5) / 1e2) + " ms" : decimal(seconds, 2) + " s";
    }

    /** For a coordinate in a picture. */
    static String place(double value) {
        String text = String.format(Locale.ROOT, "%.1f", value);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    }
}
