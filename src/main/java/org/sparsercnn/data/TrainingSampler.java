package org.sparsercnn.data;

import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.CounterRandom;

/**
 * The infinite stream of shuffled epochs all replicas train on (detectron2's TrainingSampler before ranks take their
 * share). Place {@code p} of the stream is a function of (seed, p), so there is no state to save but {@code p}. For one
 * thread: it remembers the epoch it is in.
 */
public final class TrainingSampler {
    private static final long SHUFFLE = 0x73687566666C65L; // keeps these draws apart from the augmentation's of the same seed

    private final int size;
    private final long seed;
    private long epoch = -1;
    private int[] order;

    /** @throws BadInput if there are no images */
    public TrainingSampler(int size, long seed) {
        if (size < 1) {
            throw new BadInput("the training set has no images; check DATASETS.TRAIN and the annotation files");
        }
        this.size = size;
        this.seed = seed;
    }

    /** What stands at {@code position}, counted from 0. */
    public Draw at(long position) {
        long wanted = position / size;
        if (wanted != epoch) {
            order = CounterRandom.of(seed, wanted, SHUFFLE).permutation(size);
            epoch = wanted;
        }
        return new Draw(epoch, order[(int) (position % size)]);
    }
}
