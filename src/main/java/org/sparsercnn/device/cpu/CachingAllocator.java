package org.sparsercnn.device.cpu;

import java.util.ArrayDeque;
import java.util.TreeMap;
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

    private final TreeMap<Long, ArrayDeque<Long>> cache = new TreeMap<>();
    private long inUse;
    private long peak;
    private long cached;

    Buffer allocate(long bytes) {
        long size = roundUp(Math.max(bytes, 1));
        var fitting = cache.ceilingEntry(size);
        long address;
        if (fitting != null && fitting.getKey() <= size + size / 8) {
            size = fitting.getKey();
            address = fitting.getValue().pop();
            if (fitting.getValue().isEmpty()) {
                cache.remove(size);
            }
            cached -= size;
        } else {
            trim(room() - size);
            address = CpuKernels.allocate(size);
            if (address == 0) {
                trim(0);
                address = CpuKernels.allocate(size);
            }
            if (address == 0) {
                throw BadInput.of("out of memory: %,d MB wanted, %,d MB in use. Lower SOLVER.IMS_PER_BATCH or the image size "
                        + "(INPUT.MIN_SIZE_TRAIN, INPUT.MIN_SIZE_TEST).", size >> 20, inUse >> 20);
            }
        }
        inUse += size;
        peak = Math.max(peak, inUse);
        return new Buffer(address, size);
    }

    void free(Buffer buffer) {
        inUse -= buffer.bytes();
        cached += buffer.bytes();
        cache.computeIfAbsent(buffer.bytes(), _ -> new ArrayDeque<>()).push(buffer.address());
        trim(room());
    }

    MemoryUse use() {
        return new MemoryUse(inUse, peak, inUse + cached);
    }

    /** How much may be cached. */
    private long room() {
        return peak + SLACK - inUse;
    }

    private void trim(long limit) {
        while (cached > Math.max(limit, 0)) {
            var largest = cache.lastEntry();
            CpuKernels.free(largest.getValue().pop(), largest.getKey());
            cached -= largest.getKey();
            if (largest.getValue().isEmpty()) {
                cache.remove(largest.getKey());
            }
        }
    }

    /** Eight sizes between two powers of two, so that images of nearly equal size share pieces. */
    private static long roundUp(long bytes) {
        long step = Math.max(64, Long.highestOneBit(bytes) >> 3);
        return (bytes + step - 1) / step * step;
    }

    /** Returns what is cached; pieces still in use stay with their owners. */
    @Override
    public void close() {
        trim(0);
    }
}
