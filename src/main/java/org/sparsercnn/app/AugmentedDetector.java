package org.sparsercnn.app;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.sparsercnn.app.TestTimeAugmentation.View;
import org.sparsercnn.config.ModelConfig;
import org.sparsercnn.data.Image;
import org.sparsercnn.data.ImageSize;
import org.sparsercnn.data.Sample;
import org.sparsercnn.model.Detections;
import org.sparsercnn.model.ImageBatch;
import org.sparsercnn.model.Predictor;

/**
 * Many passes an image: test-time augmentation.
 *
 * @param predictor closed with this detector
 */
record AugmentedDetector(Predictor predictor, ModelConfig.SparseRcnn config, TestTimeAugmentation augmentation) implements Detector {
    @Override
    public List<Result> detect(List<Sample> samples) {
        return samples.stream().map(this::augmented).toList();
    }

    private Result augmented(Sample sample) {
        long begin = System.nanoTime();
        Image input = sample.image();
        List<View> views = augmentation.views(sample.original(), new ImageSize(input.width(), input.height()));
        List<Detections> found = new ArrayList<>();
        long post = 0;
        CompletableFuture<Image> next = CompletableFuture.completedFuture(views.getFirst().picture(input, input));
        for (int i = 0; i < views.size(); i++) {
            Image picture = next.join();
            if (i + 1 < views.size()) { // scaled while the device computes
                View after = views.get(i + 1);
                next = CompletableFuture.supplyAsync(() -> after.picture(input, picture));
            }
            Predictor.Output out = predictor.run(List.of(new ImageBatch.Picture(picture.pixels(), picture.width(), picture.height())));
            long done = System.nanoTime();
            found.add(views.get(i).toOriginal(Detections.select(out.logits(), out.boxesXyxyPx(), config)));
            post += System.nanoTime() - done;
        }
        long done = System.nanoTime();
        Detections merged = augmentation.merge(found, sample.original());
        long end = System.nanoTime();
        post += end - done;
        return new Result(merged, (end - begin - post) * 1e-9, post * 1e-9);
    }

    @Override
    public void close() {
        predictor.close();
    }
}
