package org.sparsercnn.io;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;

/**
 * Named tensors in their file's order, and the text metadata that came with them. The keys of a model's dictionary are
 * the published parameter and buffer names.
 */
public final class StateDict {
    private final SequencedMap<String, HostTensor> tensors = new LinkedHashMap<>();
    private final SequencedMap<String, String> metadata = new LinkedHashMap<>();

    /** Adds or replaces; returns this. */
    public StateDict put(String name, HostTensor tensor) {
        tensors.put(name, tensor);
        return this;
    }

    public StateDict putMetadata(String key, String value) {
        metadata.put(key, value);
        return this;
    }

    /** The tensor called {@code name}, or null. */
    public HostTensor get(String name) {
        return tensors.get(name);
    }

    public boolean contains(String name) {
        return tensors.containsKey(name);
    }

    public int size() {
        return tensors.size();
    }

    public boolean isEmpty() {
        return tensors.isEmpty();
    }

    public SequencedMap<String, HostTensor> tensors() {
        return Collections.unmodifiableSequencedMap(tensors);
    }

    public SequencedMap<String, String> metadata() {
        return Collections.unmodifiableSequencedMap(metadata);
    }

    /** The tensors whose names start with {@code prefix}, without it, in the same order. */
    public StateDict withoutPrefix(String prefix) {
        StateDict out = new StateDict();
        for (Map.Entry<String, HostTensor> e : tensors.entrySet()) {
            if (e.getKey().startsWith(prefix)) {
                out.put(e.getKey().substring(prefix.length()), e.getValue());
            }
        }
        return out;
    }

    /** Bytes of all tensors together. */
    public long byteSize() {
        return tensors.values().stream().mapToLong(t -> t.data().byteSize()).sum();
    }
}
