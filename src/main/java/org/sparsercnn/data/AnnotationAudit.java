package org.sparsercnn.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What was wrong with the boxes of an annotation file and what became of them: a count and the first ten ids per finding. */
public record AnnotationAudit(Map<Finding, Entry> entries) {
    /** How many annotation ids a report names. */
    public static final int SHOWN = 10;

    public static final AnnotationAudit CLEAN = new AnnotationAudit(Map.of());

    /** A kind of bad box. */
    public enum Finding {
        NOT_FINITE("has a coordinate that is not a finite number", "dropped"),
        EMPTY("has a width or height that is not positive", "dropped"),
        OUTSIDE("lies wholly outside its image", "dropped"),
        OVERHANGING("reaches out of its image", "clipped to it");

        private final String what;
        private final String remedy;

        Finding(String what, String remedy) {
            this.what = what;
            this.remedy = remedy;
        }
    }

    /** @param firstIds annotation ids, at most {@link #SHOWN} */
    public record Entry(int count, List<Long> firstIds) {}

    public boolean clean() {
        return entries.isEmpty();
    }

    public int count(Finding finding) {
        return entries.containsKey(finding) ? entries.get(finding).count() : 0;
    }

    public List<Long> firstIds(Finding finding) {
        return entries.containsKey(finding) ? entries.get(finding).firstIds() : List.of();
    }

    /** All boxes that were repaired or dropped. */
    public int total() {
        return entries.values().stream().mapToInt(Entry::count).sum();
    }

    static AnnotationAudit merge(List<AnnotationAudit> audits) {
        Builder merged = new Builder();
        audits.forEach(audit -> audit.entries.forEach(merged::add));
        return merged.build();
    }

    /** One line per finding: {@code 3 boxes: has a width or height that is not positive; dropped (annotation ids 4, 7, 9)}. */
    @Override
    public String toString() {
        if (clean()) {
            return "every box lies inside its image";
        }
        return entries.entrySet().stream().map(e -> line(e.getKey(), e.getValue())).collect(Collectors.joining("\n"));
    }

    private static String line(Finding finding, Entry entry) {
        String ids = entry.firstIds().stream().map(String::valueOf).collect(Collectors.joining(", "));
        return "%,d %s: %s; %s (annotation ids %s%s)".formatted(entry.count(), entry.count() == 1 ? "box" : "boxes", finding.what,
                finding.remedy, ids, entry.count() > entry.firstIds().size() ? ", …" : "");
    }

    /** Gathers findings while a file is read. */
    static final class Builder {
        private final Map<Finding, List<Long>> ids = new EnumMap<>(Finding.class);
        private final Map<Finding, Integer> counts = new EnumMap<>(Finding.class);

        void add(Finding finding, long annotationId) {
            add(finding, new Entry(1, List.of(annotationId)));
        }

        private void add(Finding finding, Entry entry) {
            counts.merge(finding, entry.count(), Integer::sum);
            List<Long> shown = ids.computeIfAbsent(finding, _ -> new ArrayList<>(SHOWN));
            entry.firstIds().stream().limit(SHOWN - shown.size()).forEach(shown::add);
        }

        AnnotationAudit build() {
            Map<Finding, Entry> entries = new EnumMap<>(Finding.class);
            counts.forEach((finding, count) -> entries.put(finding, new Entry(count, List.copyOf(ids.get(finding)))));
            return entries.isEmpty() ? CLEAN : new AnnotationAudit(Collections.unmodifiableMap(entries));
        }
    }
}
