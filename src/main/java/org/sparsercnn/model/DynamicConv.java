package org.sparsercnn.model;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.config.ModelConfig;
import org.sparsercnn.nn.LayerNorm;
import org.sparsercnn.nn.Linear;
import org.sparsercnn.nn.Parameters;
import org.sparsercnn.op.DynamicInteraction;

/**
 * Dynamic instance interaction (paper, section 3.3 and figure 4): each proposal feature makes the weights of two 1x1
 * convolutions that are applied to its own pooled feature.
 */
final class DynamicConv {
    private final Linear dynamicLayer;
    private final LayerNorm norm1;
    private final LayerNorm norm2;
    private final Linear outLayer;
    private final LayerNorm norm3;
    private final long hidden;
    private final long inner;

    DynamicConv(Parameters.Path path, ModelConfig config) {
        hidden = config.sparseRcnn().hiddenDim();
        inner = config.sparseRcnn().dimDynamic();
        long bins = (long) config.roiBoxHead().poolerResolution() * config.roiBoxHead().poolerResolution();
        dynamicLayer = new Linear(path.at("dynamic_layer"), hidden, config.sparseRcnn().numDynamic() * hidden * inner, true);
        norm1 = new LayerNorm(path.at("norm1"), inner);
        norm2 = new LayerNorm(path.at("norm2"), hidden);
        outLayer = new Linear(path.at("out_layer"), hidden * bins, hidden, true);
        norm3 = new LayerNorm(path.at("norm3"), hidden);
    }

    /**
     * @param proposals (R, C)
     * @param rois (R, S*S, C)
     * @return (R, C)
     */
    Variable apply(Tape tape, Variable proposals, Variable rois) {
        long count = proposals.shape().size(0);
        Variable weights = dynamicLayer.apply(tape, proposals); // (R, 2*C*D): the first half is (C, D), the second (D, C)
        Variable x = DynamicInteraction.apply(tape, rois, weights, inner, norm(norm1), norm(norm2), LayerNorm.EPS); // (R, S*S, C)
        Variable flat = tape.reshape(x, count, rois.shape().size(1) * hidden);
        return norm3.apply(tape, outLayer.apply(tape, flat), true);
    }

    private static DynamicInteraction.Norm norm(LayerNorm norm) {
        return new DynamicInteraction.Norm(norm.weight(), norm.bias());
    }
}
