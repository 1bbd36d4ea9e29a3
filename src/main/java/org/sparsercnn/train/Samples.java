package org.sparsercnn.train;

import java.util.List;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.data.Sample;
import org.sparsercnn.loss.Target;
import org.sparsercnn.model.ImageBatch;
import org.sparsercnn.model.SparseRcnn;

/** Prepared samples as a model's input. */
public final class Samples {
    private Samples() {}

    public static ImageBatch batch(Tape tape, List<Sample> samples, SparseRcnn model) {
        return ImageBatch.of(tape, pictures(samples), model.config());
    }

    /** Padded to the size of a larger batch that these are a part of. */
    static ImageBatch part(Tape tape, List<Sample> samples, ImageBatch.Size whole, SparseRcnn model) {
        ImageBatch batch = ImageBatch.empty(tape, new ImageBatch.Size(samples.size(), whole.height(), whole.width()));
        batch.fill(tape, pictures(samples), model.config());
        return batch;
    }

    static List<Target> targets(List<Sample> samples) {
        return samples.stream().map(s -> new Target(s.classes(), s.boxesXyxyPx())).toList();
    }

    public static List<ImageBatch.Picture> pictures(List<Sample> samples) {
        return samples.stream().map(s -> new ImageBatch.Picture(s.image().pixels(), s.image().width(), s.image().height())).toList();
    }
}
