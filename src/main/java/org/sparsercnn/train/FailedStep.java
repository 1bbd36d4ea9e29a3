package org.sparsercnn.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparsercnn.data.Image;
import org.sparsercnn.data.ImageSize;
import org.sparsercnn.data.Sample;
import org.sparsercnn.io.Dtype;
import org.sparsercnn.io.HostTensor;
import org.sparsercnn.io.Safetensors;
import org.sparsercnn.io.StateDict;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/**
 * A step without a finite result, and all it takes to take it again, as one safetensors file: {@code image/<i>/pixels} (H, W, 3),
 * {@code image/<i>/boxes} (M, 4) in pixels, {@code image/<i>/classes} (M), {@code model/<name>}, and the rest as JSON in the
 * metadata.
 *
 * @param seed of the random numbers
 * @param config its text
 * @param weights before the step, unless later ones that were queued behind it have changed them
 */
public record FailedStep(Attempt attempt, long seed, String config, StateDict weights) {
    private static final String META = "sparsercnn_failed_step";
    private static final String MODEL = "model/";

    public long iteration() {
        return attempt.iteration();
    }

    public double lr() {
        return attempt.lr();
    }

    /** How many more steps had been queued, and may have changed the weights, when its result came. */
    public int queuedBehind() {
        return attempt.queuedBehind();
    }

    public List<Sample> batch() {
        return attempt.batch();
    }

    /** What came of it. */
    public StepResult result() {
        return attempt.result();
    }

    /** @throws BadInput if the disk is full or the folder not writable */
    void write(Path file) {
        StateDict all = new StateDict();
        ObjectNode meta = Json.MAPPER.createObjectNode().put("iteration", attempt.iteration()).put("lr", attempt.lr()).put("seed", seed)
                .put("random_counter", attempt.randomCounter()).put("objects", attempt.objects()).put("queued_behind", attempt.queuedBehind())
                .put("config", config).put("gradient_norm", Double.toString(attempt.result().gradientNorm()));
        ObjectNode losses = meta.putObject("losses");
        attempt.result().losses().forEach((name, v) -> losses.put(name, Float.toString(v))); // JSON has no NaN
        ArrayNode images = meta.putArray("images");
        for (int i = 0; i < attempt.batch().size(); i++) {
            Sample s = attempt.batch().get(i);
            images.addObject().put("id", s.imageId()).put("file", s.file().toString()).put("width", s.original().width())
                    .put("height", s.original().height());
            all.put(name(i, "pixels"), new HostTensor(Dtype.U8, new long[] {s.image().height(), s.image().width(), Image.CHANNELS},
                    MemorySegment.ofArray(s.image().pixels())));
            all.put(name(i, "boxes"), HostTensor.of(s.boxesXyxyPx(), s.classes().length, 4));
            long[] classes = new long[s.classes().length];
            for (int k = 0; k < classes.length; k++) {
                classes[k] = s.classes()[k];
            }
            all.put(name(i, "classes"), HostTensor.of(classes, classes.length));
        }
        weights.tensors().forEach((name, tensor) -> all.put(MODEL + name, tensor));
        all.putMetadata("format", "pt");
        all.putMetadata(META, meta.toString());
        Safetensors.write(file, all);
    }

    /** @throws BadInput if it is no such file */
    public static FailedStep read(Path file) {
        StateDict all = Safetensors.read(file);
        String text = all.metadata().get(META);
        if (text == null) {
            throw new BadInput(file + ": holds no step to replay; wanted is a file that a run wrote as it stopped, nonfinite_….safetensors");
        }
        try {
            JsonNode meta = Json.MAPPER.readTree(text);
            List<Sample> batch = new ArrayList<>();
            for (JsonNode image : meta.path("images")) {
                batch.add(sample(all, batch.size(), image));
            }
            Map<String, Float> losses = new LinkedHashMap<>();
            meta.path("losses").properties().forEach(e -> losses.put(e.getKey(), Float.parseFloat(e.getValue().asText())));
            double total = losses.values().stream().mapToDouble(Float::doubleValue).sum();
            StepResult result = new StepResult(losses, total, Double.parseDouble(meta.path("gradient_norm").asText("NaN")), false);
            Attempt attempt = new Attempt(meta.path("iteration").asLong(), batch, meta.path("lr").asDouble(), meta.path("random_counter").asLong(),
                    meta.path("objects").asDouble(), Double.NaN, meta.path("queued_behind").asInt(), result);
            return new FailedStep(attempt, meta.path("seed").asLong(), meta.path("config").asText(), all.withoutPrefix(MODEL));
        } catch (JsonProcessingException | IllegalArgumentException e) {
            throw new BadInput(file + ": damaged: " + e.getMessage() + "; it cannot be replayed", e);
        }
    }

    private static String name(int image, String what) {
        return "image/" + image + "/" + what;
    }

    private static Sample sample(StateDict all, int index, JsonNode image) {
        HostTensor pixels = tensor(all, name(index, "pixels"), Dtype.U8, 3);
        int height = Math.toIntExact(pixels.shape()[0]);
        int width = Math.toIntExact(pixels.shape()[1]);
        float[] boxes = tensor(all, name(index, "boxes"), Dtype.F32, 2).toFloats();
        HostTensor labels = tensor(all, name(index, "classes"), Dtype.I64, 1);
        int[] classes = new int[Math.toIntExact(labels.elements())];
        for (int k = 0; k < classes.length; k++) {
            classes[k] = (int) labels.at(k);
        }
        if (boxes.length != 4 * classes.length) {
            throw new IllegalArgumentException(boxes.length / 4 + " boxes and " + classes.length + " classes in image " + index);
        }
        return new Sample(image.path("id").asLong(), Path.of(image.path("file").asText()),
                new ImageSize(image.path("width").asInt(), image.path("height").asInt()),
                new Image(width, height, pixels.data().toArray(ValueLayout.JAVA_BYTE)), boxes, classes, List.of());
    }

    private static HostTensor tensor(StateDict all, String name, Dtype dtype, int rank) {
        HostTensor t = all.get(name);
        if (t == null || t.dtype() != dtype || t.shape().length != rank) {
            throw new IllegalArgumentException("its tensor " + name + " is " + (t == null ? "missing" : t));
        }
        return t;
    }
}
