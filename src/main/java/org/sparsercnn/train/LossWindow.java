package org.sparsercnn.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import org.sparsercnn.util.Json;

/**
 * The losses of the last {@value #STEPS} steps whose result was finite. A checkpoint holds them, so that the rows of a resumed run
 * are those of one that never stopped; hence it comes before the hook that saves.
 */
public final class LossWindow implements Hook {
    static final int STEPS = 20;

    private final SequencedMap<String, History> losses = new LinkedHashMap<>();
    private long last = -1;

    @Override
    public void afterStep(Progress p) {
        if (p.iteration() > last && p.step().finite()) {
            add("total_loss", p.step().total());
            p.step().losses().forEach(this::add);
        }
        last = Math.max(last, p.iteration());
    }

    private void add(String name, double value) {
        losses.computeIfAbsent(name, _ -> new History()).add(value);
    }

    /** Of each loss, the total first. */
    public Map<String, Double> medians() {
        Map<String, Double> medians = new LinkedHashMap<>();
        losses.forEach((name, history) -> medians.put(name, history.median(STEPS)));
        return medians;
    }

    /** For a checkpoint: {@code {"total_loss": [oldest, …], …}}. */
    public ObjectNode state() {
        ObjectNode state = Json.MAPPER.createObjectNode();
        losses.forEach((name, history) -> Arrays.stream(history.last(STEPS)).forEach(state.withArrayProperty(name)::add));
        return state;
    }

    /** Takes up what {@link #state} gave. */
    public void restore(JsonNode state) {
        losses.clear();
        state.properties().forEach(loss -> loss.getValue().forEach(value -> add(loss.getKey(), value.asDouble())));
    }
}
