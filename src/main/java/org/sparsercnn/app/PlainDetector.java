package org.sparsercnn.app;

import java.util.List;
import org.sparsercnn.config.ModelConfig;
import org.sparsercnn.data.Sample;
import org.sparsercnn.model.Detections;
import org.sparsercnn.model.Predictor;
import org.sparsercnn.train.Samples;

/**
 * One pass an image.
 *
 * @param predictor closed with this detector
 */
record PlainDetector(Predictor predictor, ModelConfig.SparseRcnn config) implements Detector {
    @Override
    public Result detect(Sample sample) {
        long begin = System.nanoTime();
        Predictor.Output out = predictor.run(Samples.pictures(List.of(sample)));
        long done = System.nanoTime();
        Detections found = Detections.select(out.logits(), out.boxesXyxyPx(), config)
                .scaled(sample.image().width(), sample.image().height(), sample.original().width(), sample.original().height());
        return new Result(found, (done - begin) * 1e-9, (System.nanoTime() - done) * 1e-9);
    }

    @Override
    public void close() {
        predictor.close();
    }
}
