package org.sparsercnn.train;

import java.util.List;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.data.Sample;
import org.sparsercnn.model.ImageBatch;
import org.sparsercnn.model.SparseRcnn;

/** Prepared samples as a model's input. */
public final class Samples {
    private Samples() {}

    public static ImageBatch batch(Tape tape, List<Sample> samples, SparseRcnn model) {
        return ImageBatch.of(tape, pictures(samples), model.config());
    }

    public static List<ImageBatch.Picture> pictures(List<Sample> samples) {
        return samples.stream().map(s -> new ImageBatch.Picture(s.image().pixels(), s.image().width(), s.image().height())).toList();
    }
}
