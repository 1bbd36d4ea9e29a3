package org.sparsercnn.config;

import java.util.List;
import org.sparsercnn.util.BadInput;

/** What no key can tell alone: whether the values together describe a Sparse R-CNN that can be built and trained. */
final class CrossChecks {
    private static final List<String> STAGES = List.of("res2", "res3", "res4", "res5");
    private static final List<String> LEVELS = List.of("p2", "p3", "p4", "p5", "p6");

    private final Config config;

    private CrossChecks(Config config) {
        this.config = config;
    }

    /** @throws BadInput for the first contradiction */
    static void check(Config config) {
        CrossChecks checks = new CrossChecks(config);
        checks.architecture(config.model());
        checks.sizes(config.model());
        checks.solver(config.solver());
        checks.input(config.input());
        checks.augmentation(config.test().aug());
    }

    private void architecture(ModelConfig model) {
        require(model.metaArchitecture().equals("SparseRCNN"), "MODEL.META_ARCHITECTURE",
                "SparseRCNN, the model of this program; start from configs/Base-SparseRCNN.yaml");
        require(model.backbone().name().equals("build_resnet_fpn_backbone"), "MODEL.BACKBONE.NAME",
                "build_resnet_fpn_backbone, the backbone of this program; start from configs/Base-SparseRCNN.yaml");
        List<String> stages = model.fpn().inFeatures();
        require(areNeighbours(stages, STAGES), "MODEL.FPN.IN_FEATURES",
                "neighbouring stages from fine to coarse, such as ['res2', 'res3', 'res4', 'res5']");
        require(model.resnets().outFeatures().containsAll(stages), "MODEL.RESNETS.OUT_FEATURES",
                "every stage of MODEL.FPN.IN_FEATURES " + stages);
        List<String> levels = model.roiHeads().inFeatures();
        List<String> built = LEVELS.subList(STAGES.indexOf(stages.getFirst()), STAGES.indexOf(stages.getLast()) + 2);
        require(areNeighbours(levels, built), "MODEL.ROI_HEADS.IN_FEATURES", "neighbours from fine to coarse of the levels"
                + " that the pyramid has, " + built.subList(0, built.size() - 1));
    }

    private void sizes(ModelConfig model) {
        ModelConfig.SparseRcnn head = model.sparseRcnn();
        require(model.fpn().outChannels() == head.hiddenDim(), "MODEL.FPN.OUT_CHANNELS",
                "the value of MODEL.SparseRCNN.HIDDEN_DIM, " + head.hiddenDim() + ": the heads work on pooled pyramid features");
        require(head.hiddenDim() % head.nheads() == 0, "MODEL.SparseRCNN.HIDDEN_DIM",
                "a multiple of MODEL.SparseRCNN.NHEADS, " + head.nheads());
        require(model.resnets().depth() >= 50 || model.resnets().res2OutChannels() != 256 || config.isSet("MODEL.RESNETS.RES2_OUT_CHANNELS"),
                "MODEL.RESNETS.RES2_OUT_CHANNELS", "64 for ResNet-18 and -34 (or set it yourself to any other width)");
    }

    private void solver(SolverConfig solver) {
        List<Integer> steps = solver.steps();
        require(steps.stream().sorted().toList().equals(steps), "SOLVER.STEPS", "steps in ascending order");
    }

    private void input(InputConfig input) {
        List<Integer> sizes = input.minSizeTrain();
        boolean range = input.minSizeTrainSampling().equals("range");
        require(range ? sizes.size() == 2 && sizes.getFirst() <= sizes.getLast() : !sizes.isEmpty(), "INPUT.MIN_SIZE_TRAIN",
                range ? "two lengths, (smallest, largest), as INPUT.MIN_SIZE_TRAIN_SAMPLING is range" : "at least one length");
    }

    private void augmentation(TestConfig.Aug aug) {
        int sizes = aug.minSizes().size();
        require(!aug.enabled() || sizes > 0, "TEST.AUG.MIN_SIZES", "at least one length, as TEST.AUG.ENABLED is True");
        int ranges = aug.scaleRanges().size();
        require(!aug.enabled() || !aug.scaleFilter() || ranges == sizes, "TEST.AUG.SCALE_RANGES",
                "one [min, max] for each of the %d TEST.AUG.MIN_SIZES, not %d; or TEST.AUG.SCALE_FILTER False".formatted(sizes, ranges));
    }

    private static boolean areNeighbours(List<String> some, List<String> all) {
        int first = some.isEmpty() ? -1 : all.indexOf(some.getFirst());
        return first >= 0 && first + some.size() <= all.size() && some.equals(all.subList(first, first + some.size()));
    }

    private void require(boolean holds, String key, String wanted) {
        if (!holds) {
            throw BadInput.of("%s%s is %s; wanted: %s", config.place(key).map(p -> p + ": ").orElse(""), key,
                    config.valueOf(key), wanted);
        }
    }
}
