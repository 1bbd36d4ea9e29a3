package org.sparsercnn.data;

import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.sparsercnn.util.Examples;

/** What was wrong with the boxes of an annotation file and what became of them: a count and the first ten ids per finding. */
public final class AnnotationAudit {
    /** A kind of bad box. */
    public enum Finding {
        NOT_FINITE("with a coordinate that is not a finite number", "dropped"),
        EMPTY("with a width or height that is not positive", "dropped"),
        OUTSIDE("wholly outside the image", "dropped"),
        OVERHANGING("reaching out of the image", "clipped to it");

        private final String what;
        private final String remedy;

        Finding(String what, String remedy) {
            this.what = what;
            this.remedy = remedy;
        }
    }

    private final Map<Finding, Examples> annotationIds = new EnumMap<>(Finding.class);

    void add(Finding finding, long annotationId) {
        annotationIds.computeIfAbsent(finding, _ -> new Examples()).add(annotationId);
    }

    static AnnotationAudit merge(List<AnnotationAudit> audits) {
        AnnotationAudit merged = new AnnotationAudit();
        audits.forEach(audit -> audit.annotationIds.forEach((finding, ids) -> merged.annotationIds.computeIfAbsent(finding, _ -> new Examples()).add(ids)));
        return merged;
    }

    public boolean clean() {
        return annotationIds.isEmpty();
    }

    /** The annotations a finding was made at. */
    public Examples ids(Finding finding) {
        return annotationIds.getOrDefault(finding, new Examples());
    }

    /** All boxes that were repaired or dropped. */
    public int total() {
        return annotationIds.values().stream().mapToInt(Examples::count).sum();
    }

    /** One line per finding: {@code 3 boxes with a width or height that is not positive; dropped (annotation ids 4, 7, 9)}. */
    @Override
    public String toString() {
        return annotationIds.entrySet().stream().map(e -> String.format(Locale.ROOT, "%,d %s %s; %s (annotation ids %s)", e.getValue().count(),
                e.getValue().count() == 1 ? "box" : "boxes", e.getKey().what, e.getKey().remedy, e.getValue())).collect(Collectors.joining("\n"));
    }
}
