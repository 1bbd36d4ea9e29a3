package org.sparsercnn.data;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Iterator;
import java.util.List;
import java.util.function.IntPredicate;
import org.sparsercnn.util.BadInput;

/**
 * Cuts the training stream into batches of either wide or upright images, so that little is padded: two buckets, a full
 * one is the next batch (detectron2's AspectRatioGroupedDataset). Buckets are filled from the stream of all replicas and
 * hold the whole IMS_PER_BATCH; each rank takes its part of a full one. So what is trained on in step {@code k} does not
 * depend on the number of replicas.
 *
 * <p>Endless, for one thread. Batch {@code k} is a function of the seed and {@code k}: resuming is {@link #skip}.
 */
public final class AspectRatioGrouping implements Iterator<List<Draw>> {
    private final TrainingSampler sampler;
    private final IntPredicate isWide;
    private final int batchSize;
    private final int rank;
    private final int world;
    private final List<Draw> wide = new ArrayList<>();
    private final List<Draw> upright = new ArrayList<>();
    private long position;

    /**
     * @param isWide whether the image of an index is wider than high; constant for batches without grouping
     * @param batchSize images in a step, over all replicas
     * @throws BadInput if {@code batchSize} cannot be divided among {@code world} replicas
     */
    public AspectRatioGrouping(TrainingSampler sampler, IntPredicate isWide, int batchSize, int rank, int world) {
        if (batchSize < 1 || batchSize % world != 0) {
            throw BadInput.of("SOLVER.IMS_PER_BATCH is %d and cannot be divided among %d replicas; choose a multiple of %d",
                    batchSize, world, world);
        }
        this.sampler = sampler;
        this.isWide = isWide;
        this.batchSize = batchSize;
        this.rank = rank;
        this.world = world;
    }

    /** Over a data set, grouped or not. */
    public static AspectRatioGrouping over(List<ImageRecord> images, boolean grouped, long seed, int batchSize, int rank,
            int world) {
        BitSet wide = new BitSet(images.size()); // skipping batches asks millions of times, and a record is made for each answer
        for (int index = 0; grouped && index < images.size(); index++) {
            ImageRecord image = images.get(index);
            wide.set(index, image.width() > image.height());
        }
        return new AspectRatioGrouping(new TrainingSampler(images.size(), seed), wide::get, batchSize, rank, world);
    }

    @Override
    public boolean hasNext() {
        return true;
    }

    /** The images of the next step that are this rank's. */
    @Override
    public List<Draw> next() {
        while (true) {
            Draw draw = sampler.at(position++);
            List<Draw> bucket = isWide.test(draw.index()) ? wide : upright;
            bucket.add(draw);
            if (bucket.size() == batchSize) {
                int share = batchSize / world;
                List<Draw> batch = List.copyOf(bucket.subList(rank * share, (rank + 1) * share));
                bucket.clear();
                return batch;
            }
        }
    }

    /** Passes over batches that were trained on before: a replay, about 20 ns an image. */
    public AspectRatioGrouping skip(long batches) {
        for (long i = 0; i < batches; i++) {
            next();
        }
        return this;
    }
}
