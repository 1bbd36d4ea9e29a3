package org.sparsercnn.io;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparsercnn.io.PickleValues.TensorValue;
import org.sparsercnn.util.BadInput;

/**
 * The state of a PyTorch optimiser as its {@code state_dict()} has it: parameters are numbers, counted through the
 * parameter groups.
 *
 * @param groups per group its settings ({@code lr}, {@code betas}, …) and, as {@code params}, its parameters' numbers
 * @param slots parameter number to slot name ({@code exp_avg}, {@code exp_avg_sq}, {@code step}, {@code momentum_buffer})
 *     to tensor; a {@code step} that older PyTorch wrote as a number is a scalar here
 */
public record TorchOptimizerState(List<Map<String, Object>> groups, Map<Long, Map<String, HostTensor>> slots) {

    /** Reads {@code {"state": …, "param_groups": …}}; null if {@code value} is not of that form. */
    static TorchOptimizerState of(Object value) {
        if (!(value instanceof Map<?, ?> dict && dict.get("state") instanceof Map<?, ?> state
                && dict.get("param_groups") instanceof List<?> paramGroups)) {
            return null;
        }
        List<Map<String, Object>> groups = new ArrayList<>();
        for (Object group : paramGroups) {
            Map<String, Object> settings = new LinkedHashMap<>();
            if (PickleValues.plain(group) instanceof Map<?, ?> plain) {
                plain.forEach((k, v) -> settings.put((String) k, v));
            }
            groups.add(settings);
        }
        Map<Long, Map<String, HostTensor>> slots = new LinkedHashMap<>();
        state.forEach((number, perParameter) -> {
            Map<String, HostTensor> named = new LinkedHashMap<>();
            if (perParameter instanceof Map<?, ?> map) {
                map.forEach((slot, content) -> {
                    switch (content) {
                        case TensorValue t -> named.put(PickleValues.text(slot), t.tensor());
                        case Number n -> named.put(PickleValues.text(slot), HostTensor.of(new float[] {n.floatValue()}));
                        case null, default -> { } // SGD without momentum keeps None
                    }
                });
            }
            slots.put(PickleValues.integer(number), named);
        });
        return new TorchOptimizerState(groups, slots);
    }

    /**
     * The slots as {@code <parameter>/<slot>}. As upstream, number i is the i-th trainable parameter, in the order of
     * the model's {@code named_parameters()} when every parameter is its own group, which detectron2's builders do.
     *
     * @param trainable names of the trainable parameters in that order; {@link BadInput} if their number is another
     */
    public StateDict named(List<String> trainable) {
        int count = groups.stream().mapToInt(g -> g.get("params") instanceof List<?> p ? p.size() : 0).sum();
        if (count != trainable.size()) {
            throw BadInput.of("the checkpoint's optimiser has %d parameters, the model trains %d; resume with the same"
                    + " config (MODEL.BACKBONE.FREEZE_AT, NUM_HEADS), or start anew from its weights without --resume",
                    count, trainable.size());
        }
        StateDict out = new StateDict();
        for (int i = 0; i < trainable.size(); i++) {
            String name = trainable.get(i);
            slots.getOrDefault((long) i, Map.of()).forEach((slot, tensor) -> out.put(name + "/" + slot, tensor));
        }
        return out;
    }
}
