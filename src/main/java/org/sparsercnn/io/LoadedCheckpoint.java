package org.sparsercnn.io;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * What a weights file of any format holds, with names already in detectron2's style.
 *
 * @param file where it came from, for messages
 * @param format "safetensors", "PyTorch zip", "PyTorch legacy" or "pickle"
 * @param model parameters and buffers
 * @param naming how the names relate to a model's
 * @param moduleVersions PyTorch's {@code _metadata} versions by module name; empty where the file has none
 * @param optimizer the optimiser's state where the file is a training checkpoint of PyTorch's
 * @param extras everything else ({@code iteration}, {@code scheduler}, …) as plain Java values fit for JSON
 */
public record LoadedCheckpoint(Path file, String format, StateDict model, Naming naming,
        Map<String, Long> moduleVersions, Optional<TorchOptimizerState> optimizer, Map<String, Object> extras) {

    /** How names of the file are looked up in a model. */
    public enum Naming {
        /** The names are the model's. */
        EXACT,
        /** A name of the file is the end of the model's: {@code res2.0.conv1.weight} (detectron2's matching heuristics). */
        SUFFIX,
        /** As {@code SUFFIX}; Caffe2's ResNets carry no running statistics and want the model's initial ones. */
        CAFFE2
    }
}
