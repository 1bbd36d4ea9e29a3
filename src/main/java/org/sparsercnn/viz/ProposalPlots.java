package org.sparsercnn.viz;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Locale;

/** Where proposals lie, the image being the unit square (Sparse R-CNN, figure 5, and DETR, figure 7). */
public final class ProposalPlots {
    private static final double CAP = 13;
    private static final int SIDE = 360;
    private static final int GAP = 50;
    private static final int COLUMNS = 4;
    private static final Color FRAME = new Color(0x9A9A96);
    private static final Color INK = new Color(0x2B2B2B);

    /**
     * One proposal's boxes over many images.
     *
     * @param name above its square
     * @param start 4 values, the learned box
     * @param ends M times 4 values, where it ended in each image
     * @param scores M
     */
    public record Proposal(String name, float[] start, List<float[]> ends, List<Float> scores) {}

    private ProposalPlots() {}

    /** How many of P boxes (P * 4, xyxy in units of the image) cover each of n * n cells' middles: row by row, a share of P. */
    public static double[] coverage(float[] boxesXyxyUnit, int n) {
        double[] share = new double[n * n];
        int proposals = boxesXyxyUnit.length / 4;
        for (int p = 0; p < proposals; p++) {
            for (int row = 0; row < n; row++) {
                for (int column = 0; column < n; column++) {
                    double x = (column + 0.5) / n;
                    double y = (row + 0.5) / n;
                    if (x >= boxesXyxyUnit[4 * p] && x <= boxesXyxyUnit[4 * p + 2] && y >= boxesXyxyUnit[4 * p + 1] && y <= boxesXyxyUnit[4 * p + 3]) {
                        share[row * n + column] += 1.0 / proposals;
                    }
                }
            }
        }
        return share;
    }

    /** The learned boxes: at the left how many cover each place, at the right their middles, a disc's area being the box's. */
    public static BufferedImage starts(float[] boxesXyxyUnit) {
        int cells = 90;
        double[] share = coverage(boxesXyxyUnit, cells);
        double most = 0;
        for (double s : share) {
            most = Math.max(most, s);
        }
        double highest = most;
        int top = (int) (5 * CAP);
        int left = 30;
        return StagePictures.onPaper(2 * left + 2 * SIDE + GAP, top + SIDE + 30, g -> {
            StrokeFont.draw(g, String.format(Locale.ROOT, "Learned boxes: coverage, darkest %.0f %%", 100 * highest), left, 3 * CAP, CAP);
            StrokeFont.draw(g, "their middles; discs grow with area", left + SIDE + GAP, 3 * CAP, CAP);
            double side = (double) SIDE / cells;
            for (int i = 0; i < share.length; i++) {
                g.setColor(Palette.mix(Color.WHITE, new Color(0x08306B), highest == 0 ? 0 : share[i] / highest));
                g.fill(new Rectangle2D.Double(left + i % cells * side, top + Math.floorDiv(i, cells) * side, side + 0.5, side + 0.5));
            }
            frame(g, left, top);
            for (int p = 0; p < boxesXyxyUnit.length / 4; p++) {
                float[] b = {boxesXyxyUnit[4 * p], boxesXyxyUnit[4 * p + 1], boxesXyxyUnit[4 * p + 2], boxesXyxyUnit[4 * p + 3]};
                disc(g, left + SIDE + GAP, top, b, Palette.color(4), 0.12);
            }
            frame(g, left + SIDE + GAP, top);
        });
    }

    /** A square for each proposal: the frame of its learned box, and a disc where it ended in each image, the paler the lower its score. */
    public static BufferedImage ends(List<Proposal> proposals) {
        int rows = Math.ceilDiv(proposals.size(), COLUMNS);
        int columns = Math.min(COLUMNS, proposals.size());
        int height = SIDE + GAP;
        int left = 30;
        int top = (int) (6 * CAP);
        String what = "dashed: learned box; discs: final boxes, one an image, stronger with score";
        return StagePictures.onPaper(2 * left + columns * (SIDE + GAP) - GAP, top + rows * height, g -> {
            StrokeFont.draw(g, StrokeFont.fit(what, CAP, columns * (SIDE + GAP) - GAP), left, 2.6 * CAP, CAP);
            for (int i = 0; i < proposals.size(); i++) {
                Proposal p = proposals.get(i);
                int x = left + i % COLUMNS * (SIDE + GAP);
                int y = top + i / COLUMNS * height;
                g.setColor(INK);
                StrokeFont.draw(g, StrokeFont.fit(p.name, CAP, SIDE), x, y - 0.7 * CAP, CAP);
                for (int k = 0; k < p.ends.size(); k++) {
                    disc(g, x, y, p.ends.get(k), StagePictures.lineColour(i), 0.08 + 0.6 * p.scores.get(k));
                }
                var clip = g.getClip();
                g.clipRect(x - 1, y - 1, SIDE + 2, SIDE + 2);
                g.setColor(INK);
                g.setStroke(new BasicStroke(2, BasicStroke.CAP_BUTT, BasicStroke.JOIN_MITER, 10, new float[] {7, 5}, 0));
                float[] b = p.start;
                g.draw(new Rectangle2D.Double(x + b[0] * SIDE, y + b[1] * SIDE, (b[2] - b[0]) * SIDE, (b[3] - b[1]) * SIDE));
                g.setClip(clip);
                frame(g, x, y);
            }
        });
    }

    private static void frame(Graphics2D g, int x, int y) {
        g.setColor(FRAME);
        g.setStroke(new BasicStroke(1.5f));
        g.drawRect(x, y, SIDE, SIDE);
    }

    /** In the middle of a box; a disc of a box that is the whole image would be 60 pixels wide. */
    private static void disc(Graphics2D g, int x, int y, float[] box, Color colour, double opacity) {
        double r = 2 + 28 * Math.sqrt(Math.max(0, box[2] - box[0]) * Math.max(0, box[3] - box[1]));
        double cx = x + (box[0] + box[2]) / 2 * SIDE;
        double cy = y + (box[1] + box[3]) / 2 * SIDE;
        Ellipse2D disc = new Ellipse2D.Double(cx - r, cy - r, 2 * r, 2 * r);
        var clip = g.getClip();
        g.clipRect(x, y, SIDE, SIDE);
        g.setColor(Palette.withAlpha(colour, Math.clamp(opacity, 0, 1)));
        g.fill(disc);
        g.setColor(Palette.mix(colour, Color.BLACK, 0.3));
        g.setStroke(new BasicStroke(1));
        g.draw(disc);
        g.setClip(clip);
    }
}
