package org.sparsercnn.optim;

import java.util.List;
import java.util.Map;
import org.sparsercnn.autograd.Variable;

/**
 * What an optimiser trains, with its share of the learning rate.
 *
 * @param name the published parameter name; names the state in checkpoints
 * @param lrFactor times the schedule's learning rate
 * @param weightDecay decoupled with AdamW, added to the gradient with SGD
 */
public record Param(String name, Variable value, double lrFactor, double weightDecay) {
    /**
     * The groups of the published {@code build_optimizer}: weight decay on everything, biases and norms included, and the
     * backbone's learning rate times {@code SOLVER.BACKBONE_MULTIPLIER}.
     *
     * @param trainable by published name, in the model's order
     */
    public static List<Param> published(Map<String, Variable> trainable, double weightDecay, double backboneMultiplier) {
        return trainable.entrySet().stream().filter(e -> e.getValue().requiresGrad())
                .map(e -> new Param(e.getKey(), e.getValue(), e.getKey().contains("backbone") ? backboneMultiplier : 1, weightDecay))
                .toList();
    }
}
