package org.sparsercnn.config;

import java.util.List;

/** {@code SOLVER}: the optimiser and its schedule, counted in training steps of {@code imsPerBatch} images. */
public record SolverConfig(
        @Key(name = "OPTIMIZER", is = "'ADAMW'", oneOf = {"ADAMW", "SGD"}, doc = "Optimiser.") String optimizer,
        @Key(name = "IMS_PER_BATCH", is = "16", min = 1, doc = "Images per step over all replicas.") int imsPerBatch,
        @Key(name = "MAX_ITER", is = "40000", min = 0, doc = "Training steps.") int maxIter,
        @Key(name = "BASE_LR", is = "0.001", min = 0, doc = "Learning rate after the warm-up, for a batch of `IMS_PER_BATCH`.") double baseLr,
        @Key(name = "BACKBONE_MULTIPLIER", is = "1.0", min = 0, doc = "Factor on the backbone's learning rate.") double backboneMultiplier,
        @Key(name = "MOMENTUM", is = "0.9", min = 0, doc = "Momentum of SGD.") double momentum,
        @Key(name = "WEIGHT_DECAY", is = "0.0001", min = 0, doc = "Weight decay of every parameter, biases and norms included (decoupled with ADAMW).") double weightDecay,
        @Key(name = "LR_SCHEDULER_NAME", is = "'WarmupMultiStepLR'", oneOf = {"WarmupMultiStepLR", "WarmupCosineLR"}, doc = "Schedule after the warm-up.") String lrSchedulerName,
        @Key(name = "STEPS", is = "(30000,)", min = 0, doc = "Steps at which the learning rate is multiplied by `GAMMA`.") List<Integer> steps,
        @Key(name = "GAMMA", is = "0.1", min = 0, doc = "Factor at each of `STEPS`.") double gamma,
        @Key(name = "WARMUP_METHOD", is = "'linear'", oneOf = {"linear", "constant"}, doc = "How the warm-up gets from `WARMUP_FACTOR` to 1.") String warmupMethod,
        @Key(name = "WARMUP_ITERS", is = "1000", min = 0, doc = "Steps of warm-up.") int warmupIters,
        @Key(name = "WARMUP_FACTOR", is = "0.001", min = 0, doc = "Factor on the learning rate at the first step.") double warmupFactor,
        @Key(name = "CHECKPOINT_PERIOD", is = "5000", min = 1, doc = "Steps between checkpoints.") int checkpointPeriod,
        @Key(name = "REFERENCE_WORLD_SIZE", is = "0", min = 0, doc = "Replicas the batch, learning rate and step counts are written for; with another number of them all are scaled. 0: never.") int referenceWorldSize,
        @Key(name = "NONFINITE_STEPS", is = "5", min = 1, ours = true, doc = "Steps in a row with a loss or gradient that is not finite: each is skipped, at this number the run stops (exit code 3).") int nonfiniteSteps,
        @Key(name = "ACCUMULATION_STEPS", is = "1", min = 1, ours = true, doc = "Parts that a step's batch is cut into, one after the other: the same step in less memory.") int accumulationSteps,
        @Key(name = "LR_SCALING", is = "'none'", oneOf = {"none", "sqrt", "linear"}, ours = true, doc = "How the learning rate follows `IMS_PER_BATCH / REFERENCE_BATCH`: not at all, by its root, in proportion.") String lrScaling,
        @Key(name = "REFERENCE_BATCH", is = "16", min = 1, ours = true, doc = "Batch that `BASE_LR` is written for; counts with `LR_SCALING`.") int referenceBatch,
        @Key(name = "KEEP_CHECKPOINTS", is = "0", min = 0, ours = true, doc = "Newest periodic checkpoints that are kept; 0: all.") int keepCheckpoints,
        @Key(name = "EMA_DECAY", is = "0.0", min = 0, max = 0.9999999, ours = true, doc = "Decay of a moving average of the weights, which is evaluated and saved beside them; 0: none.") double emaDecay,
        @Section("AMP") Amp amp,
        @Section("CLIP_GRADIENTS") ClipGradients clipGradients,
        @Section("REPLICAS") Replicas replicas) {

    public record Amp(
            @Key(name = "ENABLED", is = "False", doc = "Mixed precision on a GPU: activations and factors of products in bf16, weights, sums, boxes, losses and the optimiser in fp32. A CPU computes in fp32.") boolean enabled) {}

    public record ClipGradients(
            @Key(name = "ENABLED", is = "False", doc = "Whether gradients are clipped.") boolean enabled,
            @Key(name = "CLIP_TYPE", is = "'value'", oneOf = {"value", "norm", "full_model"}, doc = "`value`: each number; `norm`: each tensor's norm; `full_model`: the norm over all tensors.") String clipType,
            @Key(name = "CLIP_VALUE", is = "1.0", min = 0, doc = "Largest absolute value or norm.") double clipValue,
            @Key(name = "NORM_TYPE", is = "2.0", min = 0, doc = "p of the norm.") double normType) {}

    /** How replicas that share a batch are kept the same. */
    public record Replicas(
            @Key(name = "BUCKET_MB", is = "25", min = 1, max = 4096, ours = true, doc = "Gradients are summed over replicas in buckets of at most so many MiB, each as soon as backward has filled it.") int bucketMb,
            @Key(name = "REDUCE_IN", is = "'fp32'", oneOf = {"fp32", "bf16"}, ours = true, doc = "Type in which gradients are summed over replicas; `bf16` sends half the bytes and rounds the sums.") String reduceIn,
            @Key(name = "CHECK_PERIOD", is = "1000", min = 0, ours = true, doc = "Steps between comparisons of the replicas' weights; the run stops at a difference (exit code 3). They are compared after the last step too; 0: never.") int checkPeriod) {}
}
