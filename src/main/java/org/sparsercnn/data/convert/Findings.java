package org.sparsercnn.data.convert;

import java.util.EnumMap;
import java.util.Formatter;
import java.util.Locale;
import java.util.Map;
import org.sparsercnn.util.Examples;

/** Gathers what is wrong with a data set: everything is counted, and the first ten places of each kind are kept. */
public final class Findings {
    private final Map<Finding, Examples> places = new EnumMap<>(Finding.class);

    /** @param place file and line, and what is there */
    public void add(Finding finding, String place, Object... args) {
        places.computeIfAbsent(finding, _ -> new Examples()).add(String.format(Locale.ROOT, place, args));
    }

    public int count(Finding finding) {
        return places.getOrDefault(finding, new Examples()).count();
    }

    /** How many findings are {@link Finding#bad}. */
    public int bad() {
        return count(true);
    }

    /** How many are not. */
    public int harmless() {
        return count(false);
    }

    private int count(boolean bad) {
        return places.keySet().stream().filter(finding -> finding.bad() == bad).mapToInt(this::count).sum();
    }

    /** A heading per kind, then its places, a line each. */
    public String report(boolean bad) {
        Formatter text = new Formatter(Locale.ROOT);
        places.forEach((finding, examples) -> {
            if (finding.bad() == bad) {
                text.format("%n  %s: %,d", finding.what(), examples.count());
                examples.first().forEach(place -> text.format("%n    %s", place));
                int more = examples.count() - examples.first().size();
                if (more > 0) {
                    text.format("%n    … and %,d more", more);
                }
            }
        });
        return text.toString();
    }
}
