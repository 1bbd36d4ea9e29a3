package org.sparsercnn.config;

import java.util.List;

/** {@code DATASETS}: which data sets, by name or as {@code annotations.json::image folder}. */
public record DatasetsConfig(
        @Key(name = "TRAIN", is = "()", doc = "Datasets to train on, put together: names, or `file.json::folder` for COCO annotations and their images.") List<String> train,
        @Key(name = "TEST", is = "()", doc = "Datasets to evaluate, one after the other; written like `TRAIN`.") List<String> test,
        @Key(name = "CATALOG", is = "''", ours = true, doc = "YAML file that names further datasets; empty: `datasets.yaml` in the folder of the datasets, where there is one.") String catalog) {}
