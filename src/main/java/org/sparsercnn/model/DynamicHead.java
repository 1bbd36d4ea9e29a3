package org.sparsercnn.model;

import java.util.ArrayList;
import java.util.List;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.config.ModelConfig;
import org.sparsercnn.nn.LayerNorm;
import org.sparsercnn.nn.Linear;
import org.sparsercnn.nn.Parameters;
import org.sparsercnn.nn.SelfAttention;
import org.sparsercnn.op.Add;
import org.sparsercnn.op.BoxDecode;
import org.sparsercnn.op.Dropout;
import org.sparsercnn.op.Gelu;
import org.sparsercnn.op.RoiAlign;

/** One stage of the iterative head: refines the boxes and the features of all proposals of all images. */
final class DynamicHead {
    /** Of p2 … p5. */
    private static final List<Integer> STRIDES = List.of(4, 8, 16, 32);

    private final SelfAttention selfAttention;
    private final DynamicConv interaction;
    private final Linear linear1;
    private final Linear linear2;
    private final LayerNorm norm1;
    private final LayerNorm norm2;
    private final LayerNorm norm3;
    private final List<Linear> clsLayers = new ArrayList<>();
    private final List<LayerNorm> clsNorms = new ArrayList<>();
    private final List<Linear> regLayers = new ArrayList<>();
    private final List<LayerNorm> regNorms = new ArrayList<>();
    private final Linear classLogits;
    private final Linear boxDeltas;
    private final double dropout;
    private final boolean gelu;
    private final RoiAlign.Settings pooling;

    DynamicHead(Parameters.Path path, ModelConfig config) {
        ModelConfig.SparseRcnn s = config.sparseRcnn();
        long c = s.hiddenDim();
        dropout = s.dropout();
        gelu = s.activation().equals("gelu");
        var box = config.roiBoxHead();
        pooling = new RoiAlign.Settings(box.poolerResolution(), box.poolerSamplingRatio(), box.poolerType().equals("ROIAlignV2"), STRIDES);
        selfAttention = new SelfAttention(path.at("self_attn"), c, s.nheads(), dropout);
        interaction = new DynamicConv(path.at("inst_interact"), config);
        linear1 = new Linear(path.at("linear1"), c, s.dimFeedforward(), true);
        linear2 = new Linear(path.at("linear2"), s.dimFeedforward(), c, true);
        norm1 = new LayerNorm(path.at("norm1"), c);
        norm2 = new LayerNorm(path.at("norm2"), c);
        norm3 = new LayerNorm(path.at("norm3"), c);
        tower(path.at("cls_module"), s.numCls(), c, clsLayers, clsNorms);
        tower(path.at("reg_module"), s.numReg(), c, regLayers, regNorms);
        classLogits = new Linear(path.at("class_logits"), c, s.useFocal() ? s.numClasses() : s.numClasses() + 1, true);
        boxDeltas = new Linear(path.at("bboxes_delta"), c, 4, true);
    }

    /** Layers of linear, norm, ReLU; the published names count all three. */
    private static void tower(Parameters.Path path, int count, long c, List<Linear> layers, List<LayerNorm> norms) {
        for (int i = 0; i < count; i++) {
            layers.add(new Linear(path.at(3 * i), c, c, false));
            norms.add(new LayerNorm(path.at(3 * i + 1), c));
        }
    }

    /**
     * @param pyramid p2 … p5
     * @param boxesXyxyPx (N, P, 4); no gradient flows to it through pooling
     * @param proposals (N, P, C)
     */
    SparseRcnn.Stage apply(Tape tape, List<Variable> pyramid, Variable boxesXyxyPx, Variable proposals) {
        long images = proposals.shape().size(0);
        long count = proposals.shape().size(1);
        long c = proposals.shape().size(2);
        long rows = images * count;

        Variable attended = drop(tape, selfAttention.apply(tape, proposals));
        Variable own = tape.reshape(norm1.apply(tape, Add.apply(tape, proposals, attended)), rows, c);

        // The pooled features and the weights made for them are a stage's largest tensors: they go when they have been used.
        Variable interacted = tape.scoped(() -> {
            Variable rois = RoiAlign.apply(tape, pyramid, boxesXyxyPx.value(), pooling); // (N*P, S, S, C)
            return interaction.apply(tape, own, tape.reshape(rois, rows, rois.shape().size(1) * rois.shape().size(2), c));
        });
        Variable x = norm2.apply(tape, Add.apply(tape, own, drop(tape, interacted)));

        Variable wide = linear1.apply(tape, x, !gelu);
        wide = drop(tape, gelu ? Gelu.apply(tape, wide) : wide);
        x = norm3.apply(tape, Add.apply(tape, x, drop(tape, linear2.apply(tape, wide))));

        Variable cls = climb(tape, x, clsLayers, clsNorms);
        Variable reg = climb(tape, x, regLayers, regNorms);
        Variable logits = classLogits.apply(tape, cls);
        Variable boxes = BoxDecode.apply(tape, boxDeltas.apply(tape, reg), tape.reshape(boxesXyxyPx, rows, 4),
                BoxDecode.Weights.PUBLISHED);
        return new SparseRcnn.Stage(tape.reshape(logits, images, count, logits.shape().size(1)), tape.reshape(boxes, images, count, 4),
                tape.reshape(x, images, count, c));
    }

    /** Attention between the proposals that this stage is given, averaged over heads: (N, P, C) to (N, P, P), rows sum to 1. */
    Variable attention(Tape tape, Variable proposals) {
        return selfAttention.weights(tape, proposals);
    }

    private static Variable climb(Tape tape, Variable x, List<Linear> layers, List<LayerNorm> norms) {
        for (int i = 0; i < layers.size(); i++) {
            x = norms.get(i).apply(tape, layers.get(i).apply(tape, x), true);
        }
        return x;
    }

    private Variable drop(Tape tape, Variable x) {
        return dropout > 0 ? Dropout.apply(tape, x, dropout) : x;
    }
}
