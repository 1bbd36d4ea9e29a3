package org.sparsercnn.web;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;
import org.sparsercnn.app.serving.DetectionService;

/** What {@code GET /metrics} tells. */
final class Metrics {
    private static final double[] SECONDS = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
    private static final String REQUESTS = "sparsercnn_http_requests_total";
    private static final String STAGES = "sparsercnn_detect_seconds";
    private static final String BATCHES = "sparsercnn_batch_images";

    private final DetectionService service;
    private final long begin = System.nanoTime();
    private final Map<String, LongAdder> requests = new ConcurrentSkipListMap<>();
    private final Map<String, Histogram> stages = new LinkedHashMap<>();

    Metrics(DetectionService service) {
        this.service = service;
        for (String stage : new String[] {"read", "decode", "preprocess", "queue", "forward", "postprocess", "total"}) {
            stages.put(stage, new Histogram(SECONDS));
        }
    }

    /**
     * A request has ended.
     *
     * @param path one of the server's, or {@code other}
     * @param outcome {@code ok}, the code of an error, or {@code client_gone}
     */
    void ended(String path, int status, String outcome) {
        requests.computeIfAbsent("path=\"" + path + "\",status=\"" + status + "\",outcome=\"" + outcome + "\"", _ -> new LongAdder()).increment();
    }

    /** @param seconds by stage, of a picture that was answered */
    void answered(Map<String, Double> seconds) {
        seconds.forEach((stage, value) -> stages.get(stage).observe(value));
    }

    @Override
    public String toString() {
        MetricsText text = new MetricsText();
        text.metric(REQUESTS, "counter", "Requests that have ended, by path, status and outcome.");
        requests.forEach((labels, count) -> text.sample(REQUESTS, labels, count.sum()));
        text.metric(STAGES, "histogram", "Where the time of pictures that were answered went, by stage.");
        stages.forEach((stage, histogram) -> histogram.write(text, STAGES, "stage=\"" + stage + "\""));
        text.metric(BATCHES, "histogram", "Passes of the network by the number of their pictures.");
        batches(text);
        gauge(text, "sparsercnn_queue_length", "Pictures that wait for the device.", service.waiting());
        gauge(text, "sparsercnn_in_flight", "Requests for detection under way, from the first byte to the answer.", service.inFlight());
        gauge(text, "sparsercnn_queue_limit", "How many of them are allowed.", service.limits().queue());
        gauge(text, "sparsercnn_device_bytes_in_use", "Bytes that tensors held on the device after the last pass.", service.deviceBytesInUse());
        residentBytes().ifPresent(bytes -> gauge(text, "process_resident_memory_bytes", "Memory of the process that is in RAM.", bytes));
        gauge(text, "sparsercnn_uptime_seconds", "Since the server began.", (System.nanoTime() - begin) * 1e-9);
        return text.toString();
    }

    private void batches(MetricsText text) {
        long[] bySize = service.batches();
        long below = 0;
        long pictures = 0;
        for (int size = 1; size < bySize.length; size++) {
            below += bySize[size];
            pictures += size * bySize[size];
            text.sample(BATCHES + "_bucket", "le=\"" + size + "\"", below);
        }
        text.sample(BATCHES + "_bucket", "le=\"+Inf\"", below).sample(BATCHES + "_sum", "", pictures).sample(BATCHES + "_count", "", below);
    }

    private static void gauge(MetricsText text, String name, String help, double value) {
        text.metric(name, "gauge", help).sample(name, "", value);
    }

    /** Empty where the system does not say. */
    private static OptionalLong residentBytes() {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", ""))).findFirst();
        } catch (IOException e) {
            return OptionalLong.empty();
        }
    }
}
