package org.sparsercnn.config;

/** {@code DATALOADER}. */
public record DataLoaderConfig(
        @Key(name = "NUM_WORKERS", is = "4", min = 0, doc = "Threads that decode and transform images; 0: one, which works only while the step waits.") int numWorkers,
        @Key(name = "ASPECT_RATIO_GROUPING", is = "True", doc = "Batches hold either upright or wide images, so that less is padded.") boolean aspectRatioGrouping,
        @Key(name = "SAMPLER_TRAIN", is = "'TrainingSampler'", oneOf = "TrainingSampler", doc = "Order of the images: an infinite stream of shuffled epochs.") String samplerTrain,
        @Key(name = "FILTER_EMPTY_ANNOTATIONS", is = "True", doc = "Whether images without objects are left out of training.") boolean filterEmptyAnnotations,
        @Key(name = "TIMEOUT", is = "120", min = 1, ours = true, doc = "Seconds that reading and preparing one image may take before the run stops and names it.") int timeout) {}
