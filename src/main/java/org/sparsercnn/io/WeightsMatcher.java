package org.sparsercnn.io;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import org.sparsercnn.io.LoadedCheckpoint.Naming;
import org.sparsercnn.io.WeightsMatch.Misshapen;
import org.sparsercnn.util.BadInput;

/**
 * Decides which tensor of a file goes to which parameter or buffer of a model, by name and shape, as detectron2's
 * checkpointer does: names as they are, or, where the file says so, the file's name as a whole-word end of the model's,
 * the longest one winning.
 */
public final class WeightsMatcher {
    private static final String MEAN = ".running_mean";
    private static final String VAR = ".running_var";

    private WeightsMatcher() {}

    /**
     * @param wanted the model's parameters and buffers with their shapes, in the model's order
     * @throws BadInput if suffix matching would give one tensor to two parameters, as upstream
     */
    public static WeightsMatch match(LoadedCheckpoint checkpoint, SequencedMap<String, long[]> wanted) {
        StateDict file = checkpoint.model();
        SequencedMap<String, HostTensor> loaded = new LinkedHashMap<>();
        List<String> filled = new ArrayList<>();
        List<String> missing = new ArrayList<>();
        List<Misshapen> misshapen = new ArrayList<>();
        Set<String> unused = new LinkedHashSet<>(file.tensors().keySet());
        Map<String, String> takenBy = new HashMap<>();
        wanted.forEach((name, shape) -> {
            String source = sourceOf(name, file, checkpoint.naming());
            if (source == null) {
                HostTensor standard = standardStatistics(name, shape, checkpoint);
                if (standard == null) {
                    missing.add(name);
                } else {
                    loaded.put(name, standard);
                    filled.add(name);
                }
                return;
            }
            unused.remove(source);
            HostTensor tensor = file.get(source);
            if (!Arrays.equals(shape, tensor.shape())) {
                misshapen.add(new Misshapen(name, tensor.shape(), shape));
                return;
            }
            String other = takenBy.putIfAbsent(source, name);
            if (other != null) {
                throw BadInput.of("%s: '%s' fits two parameters of the model, '%s' and '%s'; rename it in the file to"
                        + " the one that is meant", checkpoint.file(), source, other, name);
            }
            loaded.put(name, tensor);
        });
        return new WeightsMatch(checkpoint.file(), loaded, filled, missing, List.copyOf(unused), misshapen);
    }

    /** The file's name for a model's name, or null. */
    private static String sourceOf(String name, StateDict file, Naming naming) {
        if (file.contains(name)) {
            return name;
        }
        if (naming != Naming.EXACT) {
            for (int dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
                if (file.contains(name.substring(dot + 1))) {
                    return name.substring(dot + 1);
                }
            }
        }
        return null;
    }

    /**
     * Frozen batch norm of version 1 had no running statistics, meaning mean 0 and variance 1. Caffe2's blobs lack them
     * too, but there upstream leaves the model's own.
     */
    private static HostTensor standardStatistics(String name, long[] shape, LoadedCheckpoint checkpoint) {
        boolean mean = name.endsWith(MEAN);
        if (!mean && !name.endsWith(VAR) || checkpoint.naming() == Naming.CAFFE2) {
            return null;
        }
        String module = name.substring(0, name.lastIndexOf('.'));
        String scale = sourceOf(module + ".weight", checkpoint.model(), checkpoint.naming());
        if (scale == null) {
            return null;
        }
        Long version = checkpoint.moduleVersions().get(scale.substring(0, scale.lastIndexOf('.')));
        if (version != null && version >= 2) {
            return null;
        }
        float[] values = new float[(int) HostTensor.elements(shape)];
        Arrays.fill(values, mean ? 0 : 1);
        return HostTensor.of(values, shape);
    }
}
