package org.sparsercnn.app;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;
import org.sparsercnn.viz.report.SetData.Timing;

/**
 * How long rank 0 took for its images, and what that needed; kept beside the results.
 *
 * @param images done by rank 0
 * @param devices that shared the set
 * @param secondsByStage an image; the first images, which compile and allocate, left out
 * @param preparingSeconds an image, to decode and resize it, which workers do ahead
 * @param peakDeviceBytes most memory the device ever handed out, 0 where that is not known
 */
record EvaluationTiming(@JsonProperty("images") int images, @JsonProperty("devices") int devices,
        @JsonProperty("seconds_per_image") Map<String, Double> secondsByStage, @JsonProperty("preparing_seconds_per_image") double preparingSeconds,
        @JsonProperty("peak_device_bytes") long peakDeviceBytes) {
    static final String FILE = "timing.json";

    /** What stands in {@code file}, for a report; nothing where it is not there or cannot be read. */
    static Timing of(Path file) {
        if (!Files.exists(file)) {
            return new Timing(Map.of(), Map.of());
        }
        try {
            EvaluationTiming timing = Json.read(file, EvaluationTiming.class);
            return timing.secondsByStage == null ? new Timing(Map.of(), Map.of()) : new Timing(timing.secondsByStage, timing.facts());
        } catch (BadInput e) { // one that a full disk cut costs the report this part
            return new Timing(Map.of(), Map.of());
        }
    }

    private Map<String, String> facts() {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("images", String.format(Locale.ROOT, "%,d on one of %d %s", images, devices, devices == 1 ? "device" : "devices"));
        facts.put("decoding and resizing, done ahead by workers", String.format(Locale.ROOT, "%.1f ms an image", 1e3 * preparingSeconds));
        if (peakDeviceBytes > 0) {
            facts.put("most memory held on the device", String.format(Locale.ROOT, "%,.0f MiB", peakDeviceBytes / 0x1p20));
        }
        return facts;
    }
}
