package org.sparsercnn.io;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.io.LoadedCheckpoint.Naming;
import org.sparsercnn.io.PickleValues.TensorValue;
import org.sparsercnn.io.RestrictedUnpickler.PyDict;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/**
 * Reads weights from any file a user of detectron2 may hold: safetensors, both formats of {@code torch.save}, pickles of
 * the model zoos. The format is told from the contents, never from the file's name. Nothing in a file is ever run.
 */
public final class CheckpointReader {
    /** The category map among the extras, and in the metadata of a safetensors file with weights alone. */
    public static final String CATEGORIES = "categories";

    private static final Logger LOG = LoggerFactory.getLogger(CheckpointReader.class);

    /** Where the model's state dict may stand: detectron2, Lightning and mmdetection, pycls, Detectron. */
    private static final String[] MODEL_KEYS = {"model", "state_dict", "model_state", "blobs"};
    private static final float FROZEN_BN_EPS = 1e-5f;
    private static final int ZIP_MAGIC = 0x04034b50;
    private static final int EMPTY_ZIP_MAGIC = 0x06054b50;

    private CheckpointReader() {}

    /** Reads {@code file}; {@link BadInput} names it and says why it cannot be used. */
    public static LoadedCheckpoint read(Path file) {
        MemorySegment bytes = MappedFile.map(file);
        try {
            if (Safetensors.looksLike(bytes)) {
                return ofSafetensors(file, Safetensors.read(bytes));
            }
            if (startsWith(bytes, ZIP_MAGIC) || startsWith(bytes, EMPTY_ZIP_MAGIC)) {
                return ofPickle(file, "PyTorch zip", TorchFile.readZip(bytes));
            }
            if (bytes.get(ValueLayout.JAVA_BYTE, 0) == (byte) 0x80) {
                return TorchFile.isLegacy(bytes)
                        ? ofPickle(file, "PyTorch legacy", TorchFile.readLegacy(bytes))
                        : ofPickle(file, "pickle", new RestrictedUnpickler(NumpyPickle.globals(), _ -> {
                            throw new Malformed("damaged pickle: a storage outside a PyTorch file");
                        }).read(new SegmentInput(bytes)));
            }
            throw new Malformed("it is neither safetensors nor .pth nor a pickle: " + guess(bytes));
        } catch (Malformed e) {
            throw new BadInput(file + ": not a usable checkpoint: " + e.getMessage(), e);
        }
    }

    private static boolean startsWith(MemorySegment bytes, int magic) {
        return bytes.byteSize() >= 4 && bytes.get(ValueLayout.JAVA_INT_UNALIGNED, 0) == magic;
    }

    private static String guess(MemorySegment bytes) {
        String start = new String(bytes.asSlice(0, Math.min(48, bytes.byteSize())).toArray(ValueLayout.JAVA_BYTE),
                StandardCharsets.ISO_8859_1);
        String lower = start.stripLeading().toLowerCase(java.util.Locale.ROOT);
        if (lower.startsWith("<!doctype") || lower.startsWith("<html")) {
            return "it is a web page; download the file itself";
        }
        if (lower.startsWith("version https://git-lfs")) {
            return "it is a Git LFS pointer; run 'git lfs pull'";
        }
        return "it starts with \"" + start.replaceAll("[^ -~]", "·") + "\"";
    }

    private static LoadedCheckpoint ofSafetensors(Path file, StateDict all) {
        TrainingCheckpoint own = TrainingCheckpoint.of(all);
        if (own == null) {
            return normalised(file, "safetensors", all, Map.of(), false, Optional.empty(), categories(all));
        }
        try {
            Map<String, Object> extras = plain(own.state().toString());
            if (!own.averages().isEmpty()) {
                LOG.info("{} has moving averages of the weights (SOLVER.EMA_DECAY): these are used", file);
            }
            return normalised(file, "safetensors", own.best(), Map.of(), false, Optional.empty(), extras);
        } catch (JsonProcessingException e) {
            throw new Malformed("its training state is damaged: " + e.getOriginalMessage());
        }
    }

    private static Map<String, Object> plain(String json) throws JsonProcessingException {
        return Json.MAPPER.readerFor(new TypeReference<Map<String, Object>>() {}).with(DeserializationFeature.USE_LONG_FOR_INTS).readValue(json);
    }

    /** What {@code convert} hands on beside the weights. */
    private static Map<String, Object> categories(StateDict all) {
        String json = all.metadata().get(CATEGORIES);
        try {
            return json == null ? Map.of() : Map.of(CATEGORIES, plain(json));
        } catch (JsonProcessingException e) {
            throw new Malformed("its list of categories is damaged: " + e.getOriginalMessage());
        }
    }

    private static LoadedCheckpoint ofPickle(Path file, String format, Object graph) {
        if (!(graph instanceof PyDict top)) {
            throw new Malformed("it holds " + PickleValues.kind(graph) + ", not a dict of tensors"
                    + (graph instanceof TensorValue ? "" : " (a whole pickled model? save its state_dict() instead)"));
        }
        PyDict weights = top;
        Map<String, Object> extras = new LinkedHashMap<>();
        TorchOptimizerState optimizer = null;
        for (String key : MODEL_KEYS) {
            if (top.get(key) instanceof PyDict nested) {
                weights = nested;
                optimizer = TorchOptimizerState.of(top.get("optimizer"));
                top.forEach((k, v) -> {
                    if (!key.equals(k) && !"optimizer".equals(k) && k instanceof String name) {
                        extras.put(name, PickleValues.plain(v));
                    }
                });
                break;
            }
        }
        boolean heuristics = Boolean.TRUE.equals(extras.remove("matching_heuristics"));
        return normalised(file, format, stateDict(weights), moduleVersions(weights), heuristics,
                Optional.ofNullable(optimizer), extras);
    }

    private static StateDict stateDict(PyDict weights) {
        StateDict out = new StateDict();
        weights.forEach((key, value) -> {
            String name = PickleValues.text(key);
            if (value instanceof TensorValue tensor) {
                out.put(name, tensor.tensor());
            } else if (!name.endsWith("_extra_state")) {
                throw new Malformed("its entry '" + name + "' is " + PickleValues.kind(value) + ", not a tensor");
            }
        });
        return out;
    }

    private static Map<String, Long> moduleVersions(PyDict weights) {
        Map<String, Long> versions = new LinkedHashMap<>();
        if (weights.attributes().get("_metadata") instanceof Map<?, ?> modules) {
            modules.forEach((module, facts) -> {
                if (module instanceof String name && facts instanceof Map<?, ?> map
                        && map.get("version") instanceof Number version) {
                    versions.put(name, version.longValue());
                }
            });
        }
        return versions;
    }

    private static LoadedCheckpoint normalised(Path file, String format, StateDict model, Map<String, Long> versions,
            boolean heuristics, Optional<TorchOptimizerState> optimizer, Map<String, Object> extras) {
        if (model.isEmpty()) {
            throw new Malformed("it holds no weights");
        }
        UnaryOperator<String> rename = UnaryOperator.identity();
        Naming naming = heuristics ? Naming.SUFFIX : Naming.EXACT;
        Set<String> names = model.tensors().keySet();
        if (names.stream().allMatch(n -> n.startsWith("module."))) {
            rename = n -> n.startsWith("module.") ? n.substring("module.".length()) : n;
        } else if (NameMaps.isCaffe2(names)) {
            model = withoutMomentum(model);
            rename = NameMaps::caffe2;
            naming = Naming.CAFFE2;
        } else if (NameMaps.isTorchvision(names)) {
            rename = NameMaps::torchvision;
            naming = Naming.SUFFIX;
        } else if (NameMaps.isBareBackbone(names)) {
            naming = Naming.SUFFIX;
        }
        Map<String, Long> renamedVersions = NameMaps.renamed(versions, rename);
        StateDict renamed = NameMaps.renamed(model, rename);
        return new LoadedCheckpoint(file, format, upgradedFrozenBatchNorm(renamed, renamedVersions), naming,
                renamedVersions, optimizer, extras);
    }

    private static StateDict withoutMomentum(StateDict model) {
        StateDict out = new StateDict();
        model.tensors().forEach((name, tensor) -> {
            if (!name.endsWith("_momentum")) {
                out.put(name, tensor);
            }
        });
        return out;
    }

    /**
     * FrozenBatchNorm2d before version 3 did not add epsilon to the variance; upstream subtracts it on loading. A module
     * that counts batches is PyTorch's own BatchNorm2d, whose version 2 means something else.
     */
    private static StateDict upgradedFrozenBatchNorm(StateDict model, Map<String, Long> versions) {
        StateDict out = new StateDict();
        model.tensors().forEach((name, tensor) -> {
            if (name.endsWith(".running_var")) {
                String module = name.substring(0, name.length() - ".running_var".length());
                Long version = versions.get(module);
                if (version != null && version < 3 && !model.contains(module + ".num_batches_tracked")) {
                    float[] values = tensor.toFloats();
                    for (int i = 0; i < values.length; i++) {
                        values[i] -= FROZEN_BN_EPS;
                    }
                    tensor = HostTensor.of(values, tensor.shape());
                }
            }
            out.put(name, tensor);
        });
        model.metadata().forEach(out::putMetadata);
        return out;
    }
}
