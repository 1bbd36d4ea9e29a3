package org.sparsercnn.device.cuda;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.sparsercnn.device.MemoryUse;

/**
 * Cuts memory that is dear to get into blocks: the best fit, split on the way out and joined with its free neighbours on the way
 * back. A freed block may be handed out at once, so all work on the blocks must be queued in one order. Once grown it makes no
 * garbage.
 */
final class BlockAllocator {
    /** Where segments come from. */
    interface Source {
        /** Address of so many bytes, or 0 where there is no more. */
        long take(long bytes);

        void give(long address, long bytes);
    }

    /** Addresses and sizes of blocks are multiples of it. */
    static final long GRAIN = 512;
    /** Requests up to it have segments of their own kind, so that small blocks that live long do not break up large ones. */
    private static final long SMALL = 1L << 20;
    private static final long SMALL_SEGMENT = 2L << 20;
    static final long LARGE_SEGMENT = 32L << 20;
    /** Requests from here on get a segment of their own size. */
    private static final long HUGE = 16L << 20;
    /** Eight sizes between two powers of two, up to 2^40 bytes. */
    private static final int BINS = 240;

    /** A piece of a segment, in use or free. */
    static final class Block {
        private BlockAllocator owner;
        private long address;
        private long bytes;
        private boolean small;
        private boolean free;
        /** Neighbours in the segment. */
        private Block below;
        private Block above;
        /** Neighbours in the bin. */
        private Block previous;
        private Block next;

        long address() {
            return address;
        }

        long bytes() {
            return bytes;
        }

        /** Gives the block back to the allocator it came from. */
        void give() {
            owner.give(this);
        }

        private boolean isWholeSegment() {
            return below == null && above == null;
        }
    }

    private final Source source;
    private final Block[] smallBins = new Block[BINS];
    private final Block[] largeBins = new Block[BINS];
    /** The lowest block of each segment: splitting and joining keep that object. */
    private final List<Block> segments = new ArrayList<>();
    private Block spare;
    private boolean closed;
    private long inUse;
    private long peak;
    private long reserved;

    BlockAllocator(Source source) {
        this.source = source;
    }

    /** A block of at least so many bytes; null where the source has no more. */
    Block take(long bytes) {
        long size = roundUp(Math.max(bytes, 1), GRAIN);
        Block block = bestFit(size);
        return block != null ? handOut(block, size) : grow(size) ? handOut(bestFit(size), size) : null;
    }

    /** As {@link #take}, but null rather than ask the source. */
    Block takeCached(long bytes) {
        long size = roundUp(Math.max(bytes, 1), GRAIN);
        Block block = bestFit(size);
        return block == null ? null : handOut(block, size);
    }

    /** Gets a segment in which so many bytes will fit. @return whether there was one */
    boolean grow(long bytes) {
        long size = segmentSize(bytes);
        long address = source.take(size);
        if (address == 0) {
            return false;
        }
        reserved += size;
        Block block = newBlock(address, size, bytes <= SMALL);
        segments.add(block);
        addToBin(block);
        return true;
    }

    private static long segmentSize(long bytes) {
        return bytes <= SMALL ? SMALL_SEGMENT : bytes < HUGE ? LARGE_SEGMENT : roundUp(bytes, SMALL_SEGMENT);
    }

    private Block handOut(Block block, long size) {
        removeFromBin(block);
        long rest = block.bytes - size;
        if (rest >= (block.small ? GRAIN : SMALL)) {
            Block upper = newBlock(block.address + size, rest, block.small);
            upper.below = block;
            upper.above = block.above;
            if (upper.above != null) {
                upper.above.below = upper;
            }
            block.above = upper;
            block.bytes = size;
            addToBin(upper);
        }
        inUse += block.bytes;
        peak = Math.max(peak, inUse);
        return block;
    }

    private void give(Block block) {
        if (block.free) {
            throw new IllegalStateException("block freed twice");
        }
        inUse -= block.bytes;
        if (block.above != null && block.above.free) {
            removeFromBin(block.above);
            joinWithAbove(block);
        }
        if (block.below != null && block.below.free) {
            block = block.below;
            removeFromBin(block);
            joinWithAbove(block);
        }
        addToBin(block);
        if (closed && block.isWholeSegment()) {
            giveToSource(block);
        }
    }

    private void joinWithAbove(Block block) {
        Block upper = block.above;
        block.bytes += upper.bytes;
        block.above = upper.above;
        if (block.above != null) {
            block.above.below = block;
        }
        discard(upper);
    }

    /** Returns to the source what is not in use. */
    void trim() {
        for (Block block : List.copyOf(segments)) {
            if (block.free && block.isWholeSegment()) {
                giveToSource(block);
            }
        }
    }

    private void giveToSource(Block segment) {
        removeFromBin(segment);
        segments.remove(segment);
        reserved -= segment.bytes;
        source.give(segment.address, segment.bytes);
        discard(segment);
    }

    /** Returns to the source what is not in use, and the rest as soon as that is so. */
    void close() {
        closed = true;
        trim();
    }

    /** Returns everything to the source, in use or not; the allocator and its blocks must not be used again. */
    void abandon() {
        for (Block segment : segments) {
            long bytes = 0;
            for (Block block = segment; block != null; block = block.above) {
                bytes += block.bytes;
            }
            source.give(segment.address, bytes);
        }
        segments.clear();
    }

    /** An allocator over blocks of this one, of which it uses only what this one has cached: it never asks the source. */
    BlockAllocator nested() {
        Map<Long, Block> lent = new HashMap<>();
        return new BlockAllocator(new Source() {
            @Override
            public long take(long bytes) {
                Block block = takeCached(bytes);
                if (block == null) {
                    return 0;
                }
                lent.put(block.address, block);
                return block.address;
            }

            @Override
            public void give(long address, long bytes) {
                lent.remove(address).give();
            }
        });
    }

    MemoryUse use() {
        return new MemoryUse(inUse, peak, reserved);
    }

    /** Sizes in use, the largest first, and how many blocks have each. */
    SortedMap<Long, Integer> holders() {
        SortedMap<Long, Integer> counts = new TreeMap<>(Collections.reverseOrder());
        for (Block segment : segments) {
            for (Block block = segment; block != null; block = block.above) {
                if (!block.free) {
                    counts.merge(block.bytes, 1, Integer::sum);
                }
            }
        }
        return counts;
    }

    // Bins: free blocks by size

    private Block bestFit(long size) {
        Block[] bins = size <= SMALL ? smallBins : largeBins;
        for (int bin = binOf(size); bin < BINS; bin++) {
            Block best = null;
            for (Block block = bins[bin]; block != null; block = block.next) {
                if (block.bytes >= size && (best == null || block.bytes < best.bytes)) {
                    best = block;
                }
            }
            if (best != null) {
                return best;
            }
        }
        return null;
    }

    private static int binOf(long bytes) {
        long grains = bytes / GRAIN;
        int log = 63 - Long.numberOfLeadingZeros(grains);
        return Math.min(BINS - 1, log < 3 ? (int) grains : (log - 2) * 8 + (int) (grains >>> (log - 3) & 7));
    }

    private void addToBin(Block block) {
        Block[] bins = block.small ? smallBins : largeBins;
        int bin = binOf(block.bytes);
        block.free = true;
        block.previous = null;
        block.next = bins[bin];
        if (block.next != null) {
            block.next.previous = block;
        }
        bins[bin] = block;
    }

    private void removeFromBin(Block block) {
        block.free = false;
        if (block.next != null) {
            block.next.previous = block.previous;
        }
        if (block.previous != null) {
            block.previous.next = block.next;
        } else {
            (block.small ? smallBins : largeBins)[binOf(block.bytes)] = block.next;
        }
        block.next = null;
    }

    private Block newBlock(long address, long bytes, boolean small) {
        Block block = spare;
        if (block == null) {
            block = new Block();
        } else {
            spare = block.next;
        }
        block.owner = this;
        block.address = address;
        block.bytes = bytes;
        block.small = small;
        block.free = false;
        block.below = null;
        block.above = null;
        block.previous = null;
        block.next = null;
        return block;
    }

    private void discard(Block block) {
        block.free = true;
        block.next = spare;
        spare = block;
    }

    private static long roundUp(long bytes, long unit) {
        return (bytes + unit - 1) / unit * unit;
    }
}
