package org.sparsercnn.selftest;

import java.util.Locale;
import org.sparsercnn.testing.Array;

/** What a check found: how many cases, and the largest error in units of what is allowed; more than 1 is a defect. */
public final class Worst {
    private int cases;
    private double ratio;
    private String where = "";
    private String note = "";

    /** One case more. */
    public void count() {
        cases++;
    }

    public int cases() {
        return cases;
    }

    public double ratio() {
        return ratio;
    }

    /** Which number that was, with both values. */
    public String where() {
        return where;
    }

    /** Something to tell beside the verdict, such as a speed. */
    public void note(String text) {
        note = text;
    }

    public String note() {
        return note;
    }

    /** @param error NaN counts as infinite */
    public void add(String what, double error, double allowed) {
        double r = Double.isNaN(error) ? Double.POSITIVE_INFINITY : error == 0 ? 0 : error / allowed;
        if (r > ratio) {
            ratio = r;
            where = String.format(Locale.ROOT, "%s: off by %.3g, allowed %.3g", what, error, allowed);
        }
    }

    /** Element by element; what is not finite must be the same. */
    public void elements(String what, Array got, Array wanted, double allowed) {
        if (!sameSize(what, got, wanted)) return;
        for (int i = 0; i < wanted.values().length; i++) {
            double w = wanted.values()[i];
            double g = got.values()[i];
            add(what + "[" + i + "]", Double.compare(w, g) == 0 ? 0 : Double.isFinite(w) ? Math.abs(g - w) : Double.NaN, allowed);
        }
    }

    /** As a whole: the norm of the difference against that of {@code wanted} plus that of as many ones. */
    public void norm(String what, Array got, Array wanted, double allowed) {
        if (!sameSize(what, got, wanted)) return;
        double difference = 0;
        double size = wanted.values().length;
        for (int i = 0; i < wanted.values().length; i++) {
            double w = wanted.values()[i];
            double g = got.values()[i];
            difference += Double.compare(w, g) == 0 ? 0 : (g - w) * (g - w);
            size += Double.isFinite(w) ? w * w : 0;
        }
        add(what, wanted.values().length == 0 ? 0 : Math.sqrt(difference / size), allowed);
    }

    private boolean sameSize(String what, Array got, Array wanted) {
        if (got != null && got.values().length == wanted.values().length) return true;
        add(what + " has another size than wanted", Double.NaN, 1);
        return false;
    }
}
