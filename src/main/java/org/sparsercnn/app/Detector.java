package org.sparsercnn.app;

import java.util.List;
import org.sparsercnn.data.Sample;
import org.sparsercnn.model.Detections;
import org.sparsercnn.model.Predictor;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.train.Samples;

/** A model that finds objects in one prepared image at a time; its weights must not change meanwhile. */
public final class Detector implements AutoCloseable {
    /** @param forwardSeconds from pixels on the host to the network's outputs there; {@code postSeconds}: choosing and scaling boxes */
    public record Result(Detections detections, double forwardSeconds, double postSeconds) {}

    private final SparseRcnn model;
    private final Predictor predictor;

    public Detector(SparseRcnn model, Predictor.Settings settings) {
        this.model = model;
        this.predictor = new Predictor(model, settings);
    }

    /** Detections in pixels of the sample's original image, best first. */
    public Result detect(Sample sample) {
        long begin = System.nanoTime();
        Predictor.Output out = predictor.run(Samples.pictures(List.of(sample)));
        long done = System.nanoTime();
        Detections found = Detections.select(out.logits(), out.boxesXyxyPx(), model.config().sparseRcnn())
                .scaled(sample.image().width(), sample.image().height(), sample.original().width(), sample.original().height());
        return new Result(found, (done - begin) * 1e-9, (System.nanoTime() - done) * 1e-9);
    }

    @Override
    public void close() {
        predictor.close();
    }
}
