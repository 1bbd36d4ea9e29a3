package org.sparsercnn.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparsercnn.autograd.Prepared;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Recording;
import org.sparsercnn.op.Cast;

/**
 * Runs a model whose weights do not change. What can be made once from the weights is made once; and where the device can
 * record, the launches of a pass are recorded the second time a size of batch comes by, and replayed from then on.
 */
public final class Predictor implements AutoCloseable {
    /**
     * @param compute F32 or BF16
     * @param recordings sizes of batches whose passes are kept, the least recently used goes first; 0: none
     */
    public record Settings(DType compute, int recordings) {}

    /**
     * The last stage's outputs.
     *
     * @param logits N * P * K, or N * P * (K + 1) with the softmax
     * @param boxesXyxyPx N * P * 4, in pixels of the network's input
     */
    public record Output(float[] logits, float[] boxesXyxyPx) {}

    private final SparseRcnn model;
    private final Settings settings;
    private final Prepared prepared = new Prepared();
    /** By size, the one used last at the end; null for a size that came by once. */
    private final Map<ImageBatch.Size, Pass> passes = new LinkedHashMap<>(16, 0.75f, true);
    private boolean records;

    public Predictor(SparseRcnn model, Settings settings) {
        this.model = model;
        this.settings = settings;
        this.records = settings.recordings > 0;
    }

    public Output run(List<ImageBatch.Picture> pictures) {
        ImageBatch.Size size = ImageBatch.Size.of(pictures);
        Pass pass = passes.get(size);
        if (pass != null) {
            pass.replay(pictures);
        } else if (records && passes.containsKey(size)) { // its first time prepared weights and plans
            pass = Pass.record(this, size, pictures);
            records = pass != null; // a device that cannot record one pass records none
        }
        if (records) {
            keep(size, pass);
        }
        return pass == null ? direct(pictures) : read(pass.last);
    }

    private Output direct(List<ImageBatch.Picture> pictures) {
        try (Tape tape = tape()) {
            return read(last(tape, ImageBatch.of(tape, pictures, model.config())));
        }
    }

    private Tape tape() {
        return Tape.inference(model.device(), settings.compute, prepared);
    }

    /** The last stage, its outputs in fp32. */
    private SparseRcnn.Stage last(Tape tape, ImageBatch batch) {
        SparseRcnn.Stage last = model.apply(tape, batch).getLast();
        return new SparseRcnn.Stage(Cast.toF32(tape, last.logits()), Cast.toF32(tape, last.boxesXyxyPx()), last.features());
    }

    private static Output read(SparseRcnn.Stage last) {
        return new Output(last.logits().value().toFloats(), last.boxesXyxyPx().value().toFloats());
    }

    /** @param pass null for a size that came by once */
    private void keep(ImageBatch.Size size, Pass pass) {
        passes.put(size, pass);
        if (passes.size() > settings.recordings) {
            var oldest = passes.entrySet().iterator();
            Pass dropped = oldest.next().getValue();
            oldest.remove();
            if (dropped != null) {
                dropped.close();
            }
        }
    }

    @Override
    public void close() {
        passes.values().stream().filter(p -> p != null).forEach(Pass::close);
        passes.clear();
        prepared.close();
    }

    /**
     * A recorded pass: it reads the same input and writes the same output every time.
     *
     * @param input holds the batch, {@code output} what the pass made
     */
    private record Pass(Predictor owner, ImageBatch batch, SparseRcnn.Stage last, Recording recording, Tape input, Tape output) {
        /** Does the pass over these pictures and records it; null where the device cannot. */
        static Pass record(Predictor owner, ImageBatch.Size size, List<ImageBatch.Picture> pictures) {
            Device device = owner.model.device();
            Tape input = Tape.inference(device);
            Tape output = owner.tape();
            ImageBatch batch = ImageBatch.empty(input, size);
            try (Tape tape = Tape.inference(device)) { // the pictures' bytes need not stay
                batch.fill(tape, pictures, owner.model.config());
            }
            SparseRcnn.Stage[] last = new SparseRcnn.Stage[1];
            Optional<Recording> recording = device.record(() -> last[0] = owner.last(output, batch));
            if (recording.isEmpty()) {
                output.close();
                input.close();
                return null;
            }
            return new Pass(owner, batch, last[0], recording.get(), input, output);
        }

        /** Does it again over other pictures. */
        void replay(List<ImageBatch.Picture> pictures) {
            try (Tape tape = Tape.inference(owner.model.device())) {
                batch.fill(tape, pictures, owner.model.config());
                recording.replay();
            }
        }

        void close() {
            output.close();
            recording.close();
            input.close();
        }
    }
}
