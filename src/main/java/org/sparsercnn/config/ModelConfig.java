package org.sparsercnn.config;

import java.util.List;

/** {@code MODEL}: what is built. Channel counts, sizes in pixels of the network's input unless said otherwise. */
public record ModelConfig(
        @Key(name = "DEVICE", is = "'cuda'", doc = "Device to run on when set in a file or override and `--device` is not given: `cuda`, `cuda:N` or `cpu`. Left alone, the program chooses.") String device,
        @Key(name = "META_ARCHITECTURE", is = "'GeneralizedRCNN'", doc = "Must be `SparseRCNN`.") String metaArchitecture,
        @Key(name = "WEIGHTS", is = "''", doc = "Checkpoint to start from: a path, `https://…` or `detectron2://…`; empty for random weights.") String weights,
        @Key(name = "PIXEL_MEAN", is = "[103.53, 116.28, 123.675]", length = 3, doc = "Subtracted from the pixels (0–255), channels in the order of `INPUT.FORMAT`.") List<Double> pixelMean,
        @Key(name = "PIXEL_STD", is = "[1.0, 1.0, 1.0]", length = 3, min = 1e-6, doc = "Divides the pixels after `PIXEL_MEAN` is subtracted.") List<Double> pixelStd,
        @Section("BACKBONE") Backbone backbone,
        @Section("RESNETS") Resnets resnets,
        @Section("FPN") Fpn fpn,
        @Section("ROI_HEADS") RoiHeads roiHeads,
        @Section("ROI_BOX_HEAD") RoiBoxHead roiBoxHead,
        @Section("SparseRCNN") SparseRcnn sparseRcnn) {

    public record Backbone(
            @Key(name = "NAME", is = "'build_resnet_backbone'", doc = "Must be `build_resnet_fpn_backbone`.") String name,
            @Key(name = "FREEZE_AT", is = "2", min = 0, max = 5, doc = "Stages that are not trained: 0 none, 1 the stem, 2 the stem and res2, …, 5 all.") int freezeAt) {}

    public record Resnets(
            @Key(name = "DEPTH", is = "50", oneOf = {"18", "34", "50", "101", "152"}, doc = "Layers of the ResNet.") int depth,
            @Key(name = "OUT_FEATURES", is = "['res4']", oneOf = {"res2", "res3", "res4", "res5"}, doc = "Stages handed on; must hold those of `MODEL.FPN.IN_FEATURES`.") List<String> outFeatures,
            @Key(name = "NUM_GROUPS", is = "1", oneOf = "1", doc = "Groups of the 3x3 convolutions; ResNeXt is not built here.") int numGroups,
            @Key(name = "NORM", is = "'FrozenBN'", oneOf = {"FrozenBN", "BN", "SyncBN", "GN"}, doc = "Normalisation of the backbone; `SyncBN` is `BN` over the images of all replicas.") String norm,
            @Key(name = "WIDTH_PER_GROUP", is = "64", min = 1, doc = "Channels of the 3x3 convolution of res2's bottlenecks; doubles with each stage. No part in depths 18 and 34.") int widthPerGroup,
            @Key(name = "STRIDE_IN_1X1", is = "True", doc = "Stride of a stage's first bottleneck in its 1x1 convolution (Caffe) or, False, its 3x3 (torchvision).") boolean strideIn1x1,
            @Key(name = "RES5_DILATION", is = "1", oneOf = "1", doc = "Dilation of res5; only 1 goes with an FPN.") int res5Dilation,
            @Key(name = "RES2_OUT_CHANNELS", is = "256", min = 1, doc = "Output channels of res2; doubles with each stage. Set 64 for depths 18 and 34.") int res2OutChannels,
            @Key(name = "STEM_OUT_CHANNELS", is = "64", min = 1, doc = "Output channels of the 7x7 stem.") int stemOutChannels) {}

    public record Fpn(
            @Key(name = "IN_FEATURES", is = "[]", oneOf = {"res2", "res3", "res4", "res5"}, doc = "Backbone stages the pyramid is built on, neighbours from fine to coarse.") List<String> inFeatures,
            @Key(name = "OUT_CHANNELS", is = "256", min = 1, doc = "Channels of every pyramid level; must equal `MODEL.SparseRCNN.HIDDEN_DIM`.") int outChannels,
            @Key(name = "NORM", is = "''", oneOf = {"", "FrozenBN", "BN", "SyncBN", "GN"}, doc = "Normalisation after the pyramid's convolutions, as the backbone's; empty for none (they have a bias then).") String norm,
            @Key(name = "FUSE_TYPE", is = "'sum'", oneOf = {"sum", "avg"}, doc = "How a level joins the upsampled coarser one.") String fuseType) {}

    public record RoiHeads(
            @Key(name = "IN_FEATURES", is = "['res4']", oneOf = {"p2", "p3", "p4", "p5", "p6", "res4"}, doc = "Pyramid levels that boxes are pooled from, neighbours from fine to coarse (`res4`, the default, is for models without a pyramid).") List<String> inFeatures,
            @Key(name = "NMS_THRESH_TEST", is = "0.5", doc = "IoU above which the lower of two scores of a class is dropped; counts with `TEST.AUG.ENABLED` and `TEST.AUG.CVPODS_TTA: False` only: a plain pass needs no NMS.") double nmsThreshTest) {}

    public record RoiBoxHead(
            @Key(name = "POOLER_RESOLUTION", is = "14", min = 1, doc = "Side of the pooled feature in bins.") int poolerResolution,
            @Key(name = "POOLER_SAMPLING_RATIO", is = "0", min = 0, doc = "Samples per bin and axis; 0 adapts to the box (bin size rounded up).") int poolerSamplingRatio,
            @Key(name = "POOLER_TYPE", is = "'ROIAlignV2'", oneOf = {"ROIAlignV2", "ROIAlign"}, doc = "`ROIAlignV2` shifts by half a pixel (aligned), `ROIAlign` does not.") String poolerType) {}

    /** {@code MODEL.SparseRCNN}: proposals, dynamic heads, losses. */
    public record SparseRcnn(
            @Key(name = "NUM_CLASSES", is = "80", min = 1, doc = "Object classes, background not counted.") int numClasses,
            @Key(name = "NUM_PROPOSALS", is = "300", min = 1, doc = "Learned proposals (boxes and features) per image.") int numProposals,
            @Key(name = "PROPOSAL_BOXES", is = "'learned'", oneOf = {"learned", "fixed"}, ours = true, doc = "`fixed`: every proposal box is the whole image and stays so (the paper's ablation).") String proposalBoxes,
            @Key(name = "NHEADS", is = "8", min = 1, doc = "Attention heads of the self-attention between proposals.") int nheads,
            @Key(name = "DROPOUT", is = "0.0", min = 0, max = 1, doc = "Dropout in the heads while training.") double dropout,
            @Key(name = "DIM_FEEDFORWARD", is = "2048", min = 1, doc = "Hidden size of the heads' feed-forward layer.") int dimFeedforward,
            @Key(name = "ACTIVATION", is = "'relu'", oneOf = {"relu", "gelu"}, doc = "Activation of the feed-forward layer.") String activation,
            @Key(name = "HIDDEN_DIM", is = "256", min = 1, doc = "Size of a proposal feature.") int hiddenDim,
            @Key(name = "NUM_CLS", is = "1", min = 0, doc = "Layers before the classification output.") int numCls,
            @Key(name = "NUM_REG", is = "3", min = 0, doc = "Layers before the box output.") int numReg,
            @Key(name = "NUM_HEADS", is = "6", min = 1, doc = "Stages: heads that refine the boxes one after the other.") int numHeads,
            @Key(name = "NUM_DYNAMIC", is = "2", oneOf = "2", doc = "Dynamic convolutions per head; the published layout has 2.") int numDynamic,
            @Key(name = "DIM_DYNAMIC", is = "64", min = 1, doc = "Inner size of the dynamic convolution.") int dimDynamic,
            @Key(name = "CLASS_WEIGHT", is = "2.0", min = 0, doc = "Weight of the classification loss and cost.") double classWeight,
            @Key(name = "GIOU_WEIGHT", is = "2.0", min = 0, doc = "Weight of the GIoU loss and cost.") double giouWeight,
            @Key(name = "L1_WEIGHT", is = "5.0", min = 0, doc = "Weight of the L1 box loss and cost.") double l1Weight,
            @Key(name = "DEEP_SUPERVISION", is = "True", doc = "Losses at every stage instead of the last one only.") boolean deepSupervision,
            @Key(name = "NO_OBJECT_WEIGHT", is = "0.1", min = 0, doc = "Weight of the background class; counts with `USE_FOCAL: False`.") double noObjectWeight,
            @Key(name = "USE_FOCAL", is = "True", doc = "Sigmoid focal loss; False: softmax cross-entropy with a background class.") boolean useFocal,
            @Key(name = "ALPHA", is = "0.25", doc = "Alpha of the focal loss and cost.") double alpha,
            @Key(name = "GAMMA", is = "2.0", min = 0, doc = "Gamma of the focal loss and cost.") double gamma,
            @Key(name = "PRIOR_PROB", is = "0.01", min = 1e-9, max = 0.999999999, doc = "Probability that the classification bias starts at; counts with `USE_FOCAL: True`.") double priorProb) {

        /** Whether the proposal boxes are parameters that are trained. */
        public boolean learnsProposalBoxes() {
            return proposalBoxes.equals("learned");
        }
    }
}
