package org.sparsercnn.io;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/**
 * Everything needed to continue a run, in one safetensors file: tensors {@code model/<name>},
 * {@code optim/<parameter>/<slot>} and {@code ema/<name>}, and the rest as JSON in the header's metadata, where
 * {@code safetensors}' own tools show it.
 *
 * @param optimizer {@code <parameter>/<slot>}, e.g. {@code init_proposal_boxes.weight/exp_avg}; empty for weights alone
 * @param averages moving averages of those of the model's tensors that training changes, which are the ones to detect with;
 *     empty if the run keeps none
 * @param state iteration, schedule, sampler position, random state, config text, category names: whatever the training
 *     loop wants back; {@link #ITERATION} is always there
 */
public record TrainingCheckpoint(StateDict model, StateDict optimizer, StateDict averages, ObjectNode state) {
    /** The number of the last iteration that is done, counted from 0 as in detectron2's files. */
    public static final String ITERATION = "iteration";

    private static final String MODEL = "model/";
    private static final String OPTIM = "optim/";
    private static final String AVERAGES = "ema/";
    private static final String STATE = "sparsercnn";

    public TrainingCheckpoint {
        if (!state.path(ITERATION).isIntegralNumber()) {
            throw new IllegalArgumentException("a training checkpoint needs its iteration");
        }
    }

    public TrainingCheckpoint(StateDict model, StateDict optimizer, ObjectNode state) {
        this(model, optimizer, new StateDict(), state);
    }

    public long iteration() {
        return state.get(ITERATION).longValue();
    }

    /** The weights to detect with: the averages where there are some, else as the optimiser left them. */
    StateDict best() {
        StateDict best = new StateDict();
        model.tensors().forEach((name, tensor) -> best.put(name, averages.contains(name) ? averages.get(name) : tensor));
        return best;
    }

    /** Reads a file that {@link #write} wrote; {@link BadInput} for any other. */
    public static TrainingCheckpoint read(Path file) {
        try {
            MemorySegment bytes = MappedFile.map(file);
            TrainingCheckpoint read = Safetensors.looksLike(bytes) ? of(Safetensors.read(bytes)) : null;
            if (read == null) {
                throw new BadInput(file + ": holds no training state of this program to resume from; start from its weights, without --resume:"
                        + " --init-from " + file);
            }
            return read;
        } catch (Malformed e) {
            throw new BadInput(file + ": cannot be resumed from: " + e.getMessage(), e);
        }
    }

    /** Writes it whole or not at all; {@link BadInput} if the disk is full or the folder not writable. */
    public void write(Path file) {
        StateDict all = new StateDict();
        model.tensors().forEach((name, tensor) -> all.put(MODEL + name, tensor));
        optimizer.tensors().forEach((name, tensor) -> all.put(OPTIM + name, tensor));
        averages.tensors().forEach((name, tensor) -> all.put(AVERAGES + name, tensor));
        all.putMetadata("format", "pt");
        all.putMetadata(STATE, state.toString());
        Safetensors.write(file, all);
    }

    /** The checkpoint in a safetensors file, or null if it is a plain one. */
    static TrainingCheckpoint of(StateDict all) {
        String json = all.metadata().get(STATE);
        if (json == null) {
            return null;
        }
        try {
            if (!(Json.MAPPER.readTree(json) instanceof ObjectNode state) || !state.path(ITERATION).isIntegralNumber()) {
                throw new Malformed("its training state lacks the iteration");
            }
            for (Map.Entry<String, HostTensor> e : all.tensors().entrySet()) {
                if (Stream.of(MODEL, OPTIM, AVERAGES).noneMatch(e.getKey()::startsWith)) {
                    throw new Malformed("its tensor '" + e.getKey() + "' is neither the model's nor the optimiser's nor an average");
                }
            }
            return new TrainingCheckpoint(all.withoutPrefix(MODEL), all.withoutPrefix(OPTIM), all.withoutPrefix(AVERAGES), state);
        } catch (JsonProcessingException e) {
            throw new Malformed("its training state is not JSON: " + e.getOriginalMessage());
        }
    }
}
