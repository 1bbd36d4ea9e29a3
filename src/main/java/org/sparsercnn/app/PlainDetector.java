package org.sparsercnn.app;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.sparsercnn.config.ModelConfig;
import org.sparsercnn.data.Sample;
import org.sparsercnn.model.Detections;
import org.sparsercnn.model.Predictor;
import org.sparsercnn.train.Samples;

/**
 * One pass for all images.
 *
 * @param predictor closed with this detector
 */
record PlainDetector(Predictor predictor, ModelConfig.SparseRcnn config) implements Detector {
    @Override
    public List<Result> detect(List<Sample> samples) {
        long begin = System.nanoTime();
        Predictor.Output out = predictor.run(Samples.pictures(samples));
        double forward = (System.nanoTime() - begin) * 1e-9;
        int logits = out.logits().length / samples.size();
        int boxes = out.boxesXyxyPx().length / samples.size();
        List<Result> results = new ArrayList<>();
        for (int i = 0; i < samples.size(); i++) {
            long done = System.nanoTime();
            Sample sample = samples.get(i);
            Detections found = Detections.select(Arrays.copyOfRange(out.logits(), i * logits, (i + 1) * logits),
                    Arrays.copyOfRange(out.boxesXyxyPx(), i * boxes, (i + 1) * boxes), config)
                    .scaled(sample.image().width(), sample.image().height(), sample.original().width(), sample.original().height());
            results.add(new Result(found, forward, (System.nanoTime() - done) * 1e-9));
        }
        return results;
    }

    @Override
    public void close() {
        predictor.close();
    }
}
