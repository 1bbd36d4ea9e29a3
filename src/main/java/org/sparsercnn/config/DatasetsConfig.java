package org.sparsercnn.config;

import java.util.List;

/** {@code DATASETS}: names of registered datasets. */
public record DatasetsConfig(
        @Key(name = "TRAIN", is = "()", doc = "Datasets to train on, put together.") List<String> train,
        @Key(name = "TEST", is = "()", doc = "Datasets to evaluate, one after the other.") List<String> test) {}
