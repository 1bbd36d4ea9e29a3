package org.sparsercnn.data;

import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Every image once and in order: rank {@code rank} of {@code world} gets one contiguous share, shares differ by at most
 * one image (detectron2's InferenceSampler).
 *
 * @param size images in all
 */
public record InferenceSampler(int size, int rank, int world) {
    public InferenceSampler {
        if (size < 0 || world < 1 || rank < 0 || rank >= world) {
            throw new IllegalArgumentException("rank " + rank + " of " + world + " over " + size + " images");
        }
    }

    /** First index of this rank. */
    public int begin() {
        return firstOf(rank);
    }

    /** One past the last index of this rank. */
    public int end() {
        return firstOf(rank + 1);
    }

    /** The share in batches of {@code batchSize}, the last one smaller where it does not divide. */
    public Iterator<List<Draw>> batches(int batchSize) {
        int batches = Math.ceilDiv(end() - begin(), batchSize);
        return IntStream.range(0, batches).mapToObj(b -> {
            int from = begin() + b * batchSize;
            return IntStream.range(from, Math.min(end(), from + batchSize)).mapToObj(i -> new Draw(0, i)).toList();
        }).iterator();
    }

    private int firstOf(int r) {
        return r * (size / world) + Math.min(r, size % world);
    }
}
