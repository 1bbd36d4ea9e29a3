package org.sparsercnn.model;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.config.ModelConfig;
import org.sparsercnn.device.Device;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.nn.Parameters;
import org.sparsercnn.op.Expand;
import org.sparsercnn.op.ScaleBoxes;
import org.sparsercnn.util.BadInput;

/**
 * Sparse R-CNN (Sun et al., CVPR 2021): a feature pyramid, N learned proposal boxes and features, and a series of heads that
 * refine them. Parameter names are those of the published checkpoints.
 */
public final class SparseRcnn implements AutoCloseable {
    /**
     * What one stage hands to the losses and to the next stage.
     *
     * @param logits (N, P, K), or (N, P, K + 1) with a background class for the softmax path
     * @param boxesXyxyPx (N, P, 4) in pixels of the network's input
     * @param features (N, P, C)
     */
    public record Stage(Variable logits, Variable boxesXyxyPx, Variable features) {}

    private final ModelConfig config;
    private final Parameters parameters;
    private final Fpn backbone;
    private final Parameter proposalFeatures;
    private final Parameter proposalBoxes;
    private final List<DynamicHead> heads = new ArrayList<>();

    /** Builds the model with all parameters zero; see {@link Initialization} and {@code io} for values. */
    public SparseRcnn(Device device, ModelConfig config) {
        check(config);
        this.config = config;
        this.parameters = new Parameters(device);
        Parameters.Path root = parameters.root();
        ModelConfig.SparseRcnn s = config.sparseRcnn();
        backbone = new Fpn(root.at("backbone"), config);
        proposalFeatures = root.at("init_proposal_features").weight("weight", s.numProposals(), s.hiddenDim());
        proposalBoxes = root.at("init_proposal_boxes").weight("weight", s.numProposals(), 4);
        if (!s.learnsProposalBoxes()) {
            proposalBoxes.freeze();
        }
        for (int i = 0; i < s.numHeads(); i++) {
            heads.add(new DynamicHead(root.at("head").at("head_series").at(i), config));
        }
    }

    private static void check(ModelConfig config) {
        if (!config.metaArchitecture().equals("SparseRCNN")) {
            throw BadInput.of("MODEL.META_ARCHITECTURE: '%s'; this program builds SparseRCNN. Start from one of the files in configs/.",
                    config.metaArchitecture());
        }
        if (config.fpn().outChannels() != config.sparseRcnn().hiddenDim()) {
            throw BadInput.of("MODEL.FPN.OUT_CHANNELS is %d, MODEL.SparseRCNN.HIDDEN_DIM is %d: they must be equal",
                    config.fpn().outChannels(), config.sparseRcnn().hiddenDim());
        }
        if (config.sparseRcnn().hiddenDim() % config.sparseRcnn().nheads() != 0) {
            throw BadInput.of("MODEL.SparseRCNN.HIDDEN_DIM %d is not a multiple of NHEADS %d",
                    config.sparseRcnn().hiddenDim(), config.sparseRcnn().nheads());
        }
        if (!config.roiHeads().inFeatures().equals(List.of("p2", "p3", "p4", "p5"))) {
            throw BadInput.of("MODEL.ROI_HEADS.IN_FEATURES: %s; must be [p2, p3, p4, p5]", config.roiHeads().inFeatures());
        }
        if (!config.fpn().inFeatures().equals(List.of("res2", "res3", "res4", "res5"))) {
            throw BadInput.of("MODEL.FPN.IN_FEATURES: %s; must be [res2, res3, res4, res5]", config.fpn().inFeatures());
        }
    }

    public ModelConfig config() {
        return config;
    }

    public Parameters parameters() {
        return parameters;
    }

    public Device device() {
        return parameters.device();
    }

    /** The feature pyramid alone, fine to coarse, each (N, H, W, C). */
    public List<Variable> pyramid(Tape tape, ImageBatch batch) {
        return backbone.apply(tape, batch.pixels(), () -> {});
    }

    /** The outputs of every stage, first to last. */
    public List<Stage> apply(Tape tape, ImageBatch batch) {
        return apply(tape, batch, _ -> {});
    }

    /** @param queued is told when a part of the network has been queued: "backbone", "fpn", "heads" */
    public List<Stage> apply(Tape tape, ImageBatch batch, Consumer<String> queued) {
        List<Variable> pyramid = backbone.apply(tape, batch.pixels(), () -> queued.accept("backbone"));
        queued.accept("fpn");
        long images = batch.pixels().shape().size(0);
        Variable boxes = learnedBoxes(tape, batch);
        Variable features = Expand.apply(tape, proposalFeatures.variable(), images);
        List<Stage> stages = new ArrayList<>();
        for (DynamicHead head : heads) {
            Stage out = head.apply(tape, pyramid, boxes, features);
            stages.add(out);
            boxes = out.boxesXyxyPx().detach();
            features = out.features();
        }
        queued.accept("heads");
        return stages;
    }

    /** The learned proposal boxes, from which the first stage starts: (N, P, 4) in pixels of the network's input. */
    public Variable learnedBoxes(Tape tape, ImageBatch batch) {
        return ScaleBoxes.apply(tape, proposalBoxes.variable(), batch.whwh());
    }

    /**
     * Attention between the proposals in the last stage, averaged over heads: (N, P, P), rows sum to 1. Made anew from what
     * the stage was given, so that a pass that nobody looks into keeps nothing.
     *
     * @param stages what {@link #apply} returned
     */
    public Variable lastAttention(Tape tape, List<Stage> stages) {
        int before = heads.size() - 2;
        Variable given = before >= 0 ? stages.get(before).features()
                : Expand.apply(tape, proposalFeatures.variable(), stages.getLast().features().shape().size(0));
        return heads.getLast().attention(tape, given);
    }

    @Override
    public void close() {
        parameters.close();
    }
}
