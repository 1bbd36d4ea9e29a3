package org.sparsercnn.viz;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A linear axis from {@code low} to {@code high} with ticks at round numbers (1, 2 or 5 times a power of ten). */
public record Axis(double low, double high, double step) {
    /** An axis over [low, high], widened to ticks if {@code toTicks}, with about {@code ticks} of them. */
    public static Axis over(double low, double high, int ticks, boolean toTicks) {
        double span = high - low;
        if (!(span > 0)) { // a single value, or none
            double around = low != 0 && Double.isFinite(low) ? Math.abs(low) : 1;
            double middle = Double.isFinite(low) ? low : 0;
            return over(middle - around / 2, middle + around / 2, ticks, toTicks);
        }
        double step = niceStep(span / ticks);
        return toTicks
                ? new Axis(Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step, step)
                : new Axis(low, high, step);
    }

    /** Share of the way from low to high. */
    public double place(double value) {
        return (value - low) / (high - low);
    }

    public List<Double> ticks() {
        List<Double> ticks = new ArrayList<>();
        for (long k = (long) Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * (high - low); k++) {
            ticks.add(k * step);
        }
        return ticks;
    }

    /** "0.25", "20k", "2.5e-5": as many digits as the step between ticks needs. */
    public String label(double tick) {
        double largest = Math.max(Math.abs(low), Math.abs(high));
        if (Math.abs(tick) < step * 1e-6) {
            return "0";
        }
        if (largest >= 1e7 || largest < 1e-2) {
            int exponent = (int) Math.floor(Math.log10(largest) + 1e-9);
            double power = Math.pow(10, exponent);
            return number(tick / power, step / power) + "e" + exponent;
        }
        return largest >= 1e4 ? number(tick / 1e3, step / 1e3) + "k" : number(tick, step);
    }

    private static String number(double value, double step) {
        int decimals = (int) Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
        return String.format(Locale.ROOT, "%." + decimals + "f", value);
    }

    private static double niceStep(double raw) {
        double power = Math.pow(10, Math.floor(Math.log10(raw)));
        double share = raw / power - 1e-9; // 5.000…1 is 5
        return power * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10);
    }
}
