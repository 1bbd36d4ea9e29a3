package org.sparsercnn.selftest;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * A line of the report.
 *
 * @param worst largest error in units of what is allowed
 * @param message what was wrong, or where the largest error is
 * @param note what else is worth telling, or ""
 */
record Row(String check, Mode mode, int cases, double worst, Verdict verdict, long millis, String message, String note) {
    enum Verdict {
        OK("ok"),
        DEFECT("DEFECT"),
        SKIPPED("skipped"),
        NOT_REACHED("not reached");

        private final String text;

        Verdict(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    static final String HEADING = String.format(Locale.ROOT, "%-36s %-5s %6s %12s %-11s %8s", "check", "mode", "cases", "error/bound", "verdict", "ms");

    String text() {
        String line = String.format(Locale.ROOT, "%-36s %-5s %6d %12.3f %-11s %8d", check, mode, cases, worst, verdict, millis);
        return line + (verdict == Verdict.DEFECT || verdict == Verdict.SKIPPED ? "\n    " + message : "") + (note.isEmpty() ? "" : "\n    " + note);
    }

    Map<String, Object> json() {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("check", check);
        row.put("mode", mode.toString());
        row.put("cases", cases);
        row.put("worst", Double.isFinite(worst) ? worst : null);
        row.put("verdict", verdict.toString());
        row.put("milliseconds", millis);
        row.put("message", message);
        row.put("note", note);
        return row;
    }
}
