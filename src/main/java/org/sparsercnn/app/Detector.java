package org.sparsercnn.app;

import java.util.List;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.data.Sample;
import org.sparsercnn.model.Detections;
import org.sparsercnn.model.ImageBatch;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.train.Samples;

/** A model that finds objects in one prepared image at a time. */
public final class Detector {
    /** @param forwardSeconds network, from pixels on the device to its outputs; {@code postSeconds}: choosing and scaling boxes */
    public record Result(Detections detections, double preSeconds, double forwardSeconds, double postSeconds) {}

    private final SparseRcnn model;

    public Detector(SparseRcnn model) {
        this.model = model;
    }

    /** Detections in pixels of the sample's original image, best first. */
    public Result detect(Sample sample) {
        long begin = System.nanoTime();
        try (Tape tape = Tape.inference(model.device())) {
            ImageBatch batch = Samples.batch(tape, List.of(sample), model);
            model.device().synchronize();
            long ready = System.nanoTime();
            SparseRcnn.Stage last = model.apply(tape, batch).getLast();
            float[] logits = last.logits().value().toFloats();
            float[] boxes = last.boxesXyxyPx().value().toFloats();
            long done = System.nanoTime();
            Detections found = Detections.select(logits, boxes, model.config().sparseRcnn())
                    .scaled(sample.image().width(), sample.image().height(), sample.original().width(), sample.original().height());
            return new Result(found, (ready - begin) * 1e-9, (done - ready) * 1e-9, (System.nanoTime() - done) * 1e-9);
        }
    }
}
