package org.sparsercnn.data.convert;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Formatter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;

/** Gathers what is wrong with a data set: everything is counted, and the first ten places of each kind are kept. */
public final class Findings {
    /** How many places a report names. */
    public static final int SHOWN = 10;

    private final Map<Finding, Long> counts = new EnumMap<>(Finding.class);
    private final Map<Finding, List<String>> places = new EnumMap<>(Finding.class);

    /** @param place file and line, and what is there */
    public void add(Finding finding, String place, Object... args) {
        counts.merge(finding, 1L, Long::sum);
        List<String> shown = places.computeIfAbsent(finding, _ -> new ArrayList<>());
        if (shown.size() < SHOWN) {
            shown.add(String.format(Locale.ROOT, place, args));
        }
    }

    public long count(Finding finding) {
        return counts.getOrDefault(finding, 0L);
    }

    /** How many findings are {@link Finding#bad}. */
    public long bad() {
        return sum(Finding::bad);
    }

    /** How many are not. */
    public long harmless() {
        return sum(finding -> !finding.bad());
    }

    private long sum(Predicate<Finding> which) {
        return counts.entrySet().stream().filter(e -> which.test(e.getKey())).mapToLong(Map.Entry::getValue).sum();
    }

    /** A heading per kind, then its places, a line each. */
    public String report(boolean bad) {
        Formatter text = new Formatter(Locale.ROOT);
        counts.forEach((finding, count) -> {
            if (finding.bad() == bad) {
                text.format("%n  %s: %,d", finding.what(), count);
                places.get(finding).forEach(place -> text.format("%n    %s", place));
                if (count > SHOWN) {
                    text.format("%n    … and %,d more", count - SHOWN);
                }
            }
        });
        return text.toString();
    }
}
