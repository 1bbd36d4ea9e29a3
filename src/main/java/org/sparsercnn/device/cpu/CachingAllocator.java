package org.sparsercnn.device.cpu;

import java.util.ArrayDeque;
import java.util.List;
import java.util.stream.Stream;
import org.sparsercnn.device.Buffer;
import org.sparsercnn.device.MemoryUse;
import org.sparsercnn.ffi.CpuKernels;
import org.sparsercnn.util.BadInput;

/**
 * Keeps freed pieces for the next request of about the same size, because fresh pages cost a fault each. With what is in use they
 * never take more than was in use at the worst moment, plus a little.
 */
final class CachingAllocator implements AutoCloseable {
    private static final long SLACK = 16L << 20;

    /** Freed pieces by {@linkplain #indexOf size}. */
    private final List<ArrayDeque<Buffer>> piles = Stream.generate(() -> new ArrayDeque<Buffer>()).limit(8 * Long.SIZE).toList();
    private long inUse;
    private long peak;
    private long cached;

    Buffer allocate(long bytes) {
        long size = roundUp(Math.max(bytes, 1));
        Buffer piece = cached(size);
        if (piece != null) {
            cached -= piece.bytes();
        } else {
            piece = fresh(size);
        }
        inUse += piece.bytes();
        peak = Math.max(peak, inUse);
        return piece;
    }

    /** The smallest piece of that size or an eighth more at most, or null. */
    private Buffer cached(long size) {
        for (int index = indexOf(size); sizeOf(index) <= size + size / 8; index++) {
            Buffer piece = piles.get(index).poll();
            if (piece != null) {
                return piece;
            }
        }
        return null;
    }

    private Buffer fresh(long size) {
        trim(room() - size);
        long address = CpuKernels.allocate(size);
        if (address == 0) {
            trim(0);
            address = CpuKernels.allocate(size);
        }
        if (address == 0) {
            throw BadInput.of("out of memory: %,d MB wanted, %,d MB in use. Lower SOLVER.IMS_PER_BATCH or the image size "
                    + "(INPUT.MIN_SIZE_TRAIN, INPUT.MIN_SIZE_TEST).", size >> 20, inUse >> 20);
        }
        return new Buffer(address, size);
    }

    void free(Buffer buffer) {
        inUse -= buffer.bytes();
        cached += buffer.bytes();
        piles.get(indexOf(buffer.bytes())).push(buffer);
        trim(room());
    }

    MemoryUse use() {
        return new MemoryUse(inUse, peak, inUse + cached);
    }

    /** How much may be cached. */
    private long room() {
        return peak + SLACK - inUse;
    }

    /** Returns the largest pieces first. */
    private void trim(long limit) {
        for (int index = piles.size() - 1; cached > Math.max(limit, 0); index--) {
            Buffer piece;
            while (cached > Math.max(limit, 0) && (piece = piles.get(index).poll()) != null) {
                CpuKernels.free(piece.address(), piece.bytes());
                cached -= piece.bytes();
            }
        }
    }

    // Eight sizes between two powers of two, so that images of nearly equal size share pieces.

    private static long roundUp(long bytes) {
        long step = step(Long.highestOneBit(bytes));
        return (bytes + step - 1) / step * step;
    }

    private static long step(long powerOfTwo) {
        return Math.max(64, powerOfTwo >> 3);
    }

    private static int indexOf(long size) {
        long power = Long.highestOneBit(size);
        return 8 * Long.numberOfTrailingZeros(power) + (int) ((size - power) / step(power));
    }

    private static long sizeOf(int index) {
        long power = 1L << index / 8;
        return power + index % 8 * step(power);
    }

    /** Returns what is cached; pieces still in use stay with their owners. */
    @Override
    public void close() {
        trim(0);
    }
}
