package org.sparsercnn.data;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.sparsercnn.util.BadInput;

/** How detections on a data set are scored: detectron2's evaluator_type. */
public enum Metric {
    /** Average precision over ten overlaps (Lin et al., ECCV 2014). */
    COCO("COCO"),

    /** AP, log-average miss rate (mMR) and recall at one overlap, with regions to ignore (Shao et al., arXiv:1805.00123). */
    CROWDHUMAN("CrowdHuman");

    private final String label;

    Metric(String label) {
        this.label = label;
    }

    /** For the screen. */
    public String label() {
        return label;
    }

    /**
     * The metric a file names, in upper or lower case.
     *
     * @param place where the name stands, for the message
     */
    public static Metric of(String name, String place) {
        return Arrays.stream(values()).filter(metric -> metric.name().equalsIgnoreCase(name)).findFirst()
                .orElseThrow(() -> BadInput.of("%s: there is no evaluator \"%s\"; one of %s", place, name,
                        Arrays.stream(values()).map(metric -> metric.name().toLowerCase(Locale.ROOT)).collect(Collectors.joining(", "))));
    }
}
