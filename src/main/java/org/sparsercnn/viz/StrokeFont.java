package org.sparsercnn.viz;

import java.awt.BasicStroke;
import java.awt.Graphics2D;
import java.awt.geom.AffineTransform;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Text without a font: every glyph is a few pen strokes (stroke-font.txt), scaled to any size and drawn by Java2D.
 *
 * <p>java.awt.Font needs fontconfig, FreeType and at least one installed font, and a slim container has none of them
 * ("Fontconfig head is null"). The table has printable ASCII, Latin-1 and the common Latin letters with accents, which are
 * composed from letter and mark; what it does not know is drawn as a box.
 *
 * <p>Sizes are cap heights in pixels: the height of the ink of an H.
 */
public final class StrokeFont {
    /** Units between the centre lines of baseline and cap height, see stroke-font.txt. */
    private static final double CAP = 6;

    /** Pen width in the same units; the ink of a capital is therefore CAP + PEN high. */
    private static final double PEN = 1;

    /** Free units between the ink of two letters. */
    private static final double GAP = 1;

    private static final int UNKNOWN = 0xFFFD;
    private static final int DOTLESS_I = 'ı';
    private static final int DOTLESS_J = 0x0237;
    private static final Pattern TOKEN = Pattern.compile("=.|[MLXYCD]|-?\\d+(?:\\.\\d+)?");

    /** How far a quarter ellipse's handles reach towards its corner; 0.5523 is a true ellipse, more reads better small. */
    private static final double ROUNDNESS = 0.6;

    private static final Map<Integer, Glyph> GLYPHS = load();

    private record Glyph(double width, Path2D strokes) {}

    private StrokeFont() {}

    /** Width in pixels of the ink of {@code text} at {@code capHeightPx}. */
    public static double width(String text, double capHeightPx) {
        return (advance(letters(text), null) - GAP) * unit(capHeightPx);
    }

    /** Draws {@code text} in {@code g}'s colour, its ink starting at {@code xPx} and standing on {@code baselinePx}. */
    public static void draw(Graphics2D g, String text, double xPx, double baselinePx, double capHeightPx) {
        double unit = unit(capHeightPx);
        Path2D strokes = new Path2D.Double();
        advance(letters(text), strokes);
        AffineTransform toPixels = new AffineTransform(unit, 0, 0, -unit, xPx + unit * PEN / 2, baselinePx - unit * PEN / 2);
        g.setStroke(new BasicStroke((float) (PEN * unit), BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
        g.draw(toPixels.createTransformedShape(strokes));
    }

    /** Whether every character of {@code text} has a glyph or is composed of glyphs. */
    public static boolean canDraw(String text) {
        return letters(text).codePoints().allMatch(GLYPHS::containsKey);
    }

    /** The longest beginning of {@code text}, ended by "…" if cut, that is no wider than {@code maxWidthPx}. */
    public static String fit(String text, double capHeightPx, double maxWidthPx) {
        if (width(text, capHeightPx) <= maxWidthPx) {
            return text;
        }
        int end = text.length();
        while (end > 0) {
            end = text.offsetByCodePoints(end, -1);
            String cut = text.substring(0, end).stripTrailing() + "…";
            if (width(cut, capHeightPx) <= maxWidthPx) {
                return cut;
            }
        }
        return "";
    }

    private static double unit(double capHeightPx) {
        return capHeightPx / (CAP + PEN);
    }

    /** Canonical composition first, so that é is one character however it was typed. */
    private static String letters(String text) {
        String composed = Normalizer.normalize(text, Normalizer.Form.NFC);
        StringBuilder drawn = new StringBuilder();
        composed.codePoints().forEach(c -> {
            if (GLYPHS.containsKey(c)) {
                drawn.appendCodePoint(c);
            } else if (Character.isWhitespace(c) || Character.isSpaceChar(c)) {
                drawn.append(' ');
            } else if (!Character.isISOControl(c)) {
                String parts = Normalizer.normalize(Character.toString(c), Normalizer.Form.NFD);
                boolean known = parts.codePoints().allMatch(GLYPHS::containsKey);
                drawn.append(known ? parts : Character.toString(c));
            }
        });
        return drawn.toString();
    }

    /** Lays the letters in a row; adds their strokes to {@code into} if that is given; returns the pen's way in units. */
    private static double advance(String letters, Path2D into) {
        double x = 0;
        double lastX = 0;
        double lastWidth = 0;
        double lift = 0;
        int[] points = letters.codePoints().toArray();
        for (int i = 0; i < points.length; i++) {
            boolean mark = Character.getType(points[i]) == Character.NON_SPACING_MARK;
            boolean marked = i + 1 < points.length && Character.getType(points[i + 1]) == Character.NON_SPACING_MARK;
            int shown = marked && points[i] == 'i' ? DOTLESS_I : marked && points[i] == 'j' ? DOTLESS_J : points[i];
            Glyph glyph = GLYPHS.getOrDefault(shown, GLYPHS.get(UNKNOWN));
            double at = mark ? lastX + (lastWidth - glyph.width) / 2 : x;
            double up = mark && glyph.strokes.getBounds2D().getMinY() > CAP / 2 ? lift : 0;
            if (into != null) {
                into.append(glyph.strokes.getPathIterator(AffineTransform.getTranslateInstance(at, up)), false);
            }
            if (!mark) {
                lastX = x;
                lastWidth = glyph.width;
                Rectangle2D ink = glyph.strokes.getBounds2D();
                lift = ink.getMaxY() > 4.5 ? 1.8 : 0;
                x += glyph.width + PEN + GAP;
            }
        }
        return x;
    }

    private static Map<Integer, Glyph> load() {
        Map<Integer, Glyph> glyphs = new HashMap<>();
        try (InputStream in = StrokeFont.class.getResourceAsStream("stroke-font.txt");
                BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            lines.lines().filter(line -> !line.startsWith("//") && !line.isBlank()).forEach(line -> {
                String[] parts = line.split(" ", 3);
                int code = parts[0].startsWith("U+") ? Integer.parseInt(parts[0].substring(2), 16) : parts[0].codePointAt(0);
                Path2D strokes = parts.length < 3 ? new Path2D.Double() : strokes(parts[2], glyphs);
                glyphs.put(code, new Glyph(Double.parseDouble(parts[1]), strokes));
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Map.copyOf(glyphs);
    }

    private static Path2D strokes(String text, Map<Integer, Glyph> known) {
        Path2D path = new Path2D.Double();
        Matcher token = TOKEN.matcher(text);
        while (token.find()) {
            String command = token.group();
            switch (command.charAt(0)) {
                case '=' -> path.append(known.get(command.codePointAt(1)).strokes, false);
                case 'M' -> path.moveTo(number(token), number(token));
                case 'L' -> path.lineTo(number(token), number(token));
                case 'D' -> {
                    double x = number(token);
                    double y = number(token);
                    path.moveTo(x, y);
                    path.lineTo(x + 0.01, y); // a stroke of no length would not be drawn
                }
                case 'C' -> path.curveTo(
                        number(token), number(token), number(token), number(token), number(token), number(token));
                case 'X', 'Y' -> quarterEllipse(path, number(token), number(token), command.charAt(0) == 'X');
                default -> throw new IllegalStateException("stroke-font.txt: " + text);
            }
        }
        return path;
    }

    private static void quarterEllipse(Path2D path, double x, double y, boolean leavesAlongX) {
        double x0 = path.getCurrentPoint().getX();
        double y0 = path.getCurrentPoint().getY();
        double cornerX = leavesAlongX ? x : x0;
        double cornerY = leavesAlongX ? y0 : y;
        path.curveTo(
                x0 + ROUNDNESS * (cornerX - x0),
                y0 + ROUNDNESS * (cornerY - y0),
                x + ROUNDNESS * (cornerX - x),
                y + ROUNDNESS * (cornerY - y),
                x,
                y);
    }

    private static double number(Matcher token) {
        if (!token.find()) {
            throw new IllegalStateException("stroke-font.txt: a coordinate is missing");
        }
        return Double.parseDouble(token.group());
    }
}
