package org.sparsercnn.device.cuda;

import java.util.ArrayList;
import java.util.List;
import org.sparsercnn.device.Buffer;
import org.sparsercnn.device.MemoryUse;
import org.sparsercnn.device.cuda.BlockAllocator.Block;
import org.sparsercnn.ffi.cuda.CudaDriver;
import org.sparsercnn.util.BadInput;

/**
 * A GPU's memory. What is freed is handed out again at once, which is right because all work is queued on one stream; memory
 * that recorded work made is its own until the recording is closed.
 */
final class DeviceMemory {
    /** Recorded work wants memory that is not cached, and while recording the driver gives none. */
    static final class Shortage extends RuntimeException {
        final transient long bytes;

        Shortage(long bytes) {
            super("recorded work wants " + bytes + " bytes more than there are", null, false, false);
            this.bytes = bytes;
        }
    }

    private static final int HOLDERS_NAMED = 5;

    private final CudaDriver driver;
    private final String device;
    private final long total;
    private final BlockAllocator main;
    private final BlockAllocator landing;
    private BlockAllocator current;
    /** Blocks behind buffers, by address: open addressing, no garbage. */
    private Block[] handedOut = new Block[1 << 12];
    private int handedOutCount;

    /** @param device for people */
    DeviceMemory(CudaDriver driver, String device, long total) {
        this.driver = driver;
        this.device = device;
        this.total = total;
        var source = new BlockAllocator.Source() {
            @Override
            public long take(long bytes) {
                return driver.memAlloc(bytes);
            }

            @Override
            public void give(long address, long bytes) {
                driver.memFree(address);
            }
        };
        this.main = new BlockAllocator(source);
        this.landing = new BlockAllocator(source);
        this.current = main;
    }

    Buffer allocate(long bytes) {
        Block block = take(bytes);
        remember(block);
        return new Buffer(block.address(), bytes);
    }

    void free(Buffer buffer) {
        forget(buffer.address()).give();
    }

    /** A block to work in; the caller gives it back as soon as what uses it is queued. */
    Block take(long bytes) {
        Block block = current.take(bytes);
        if (block != null) {
            return block;
        }
        if (current != main) {
            throw new Shortage(bytes);
        }
        main.trim();
        landing.trim();
        block = main.take(bytes);
        if (block == null) {
            throw outOfMemory(bytes);
        }
        return block;
    }

    /** Where copies from the host land that run beside the compute stream; apart from the rest, whose order is that stream's. */
    BlockAllocator landing() {
        return landing;
    }

    MemoryUse use() {
        MemoryUse use = main.use();
        long beside = landing.use().reserved();
        return new MemoryUse(use.inUse(), use.peak(), use.reserved() + beside);
    }

    // Recorded work

    /** Memory for work that is about to be recorded. */
    BlockAllocator openPool() {
        return main.nested();
    }

    /** What is taken from now on comes from {@code pool}; null: no longer. */
    void use(BlockAllocator pool) {
        current = pool == null ? main : pool;
    }

    /** Gets so many bytes in one piece from the driver, and no less than a whole segment, for a pool to take. */
    void reserve(long bytes) {
        long size = Math.max(bytes, BlockAllocator.LARGE_SEGMENT);
        if (!main.grow(size)) {
            main.trim();
            landing.trim();
            if (!main.grow(size)) {
                throw outOfMemory(size);
            }
        }
    }

    /** Returns everything to the driver, in use or not. */
    void close() {
        main.abandon();
        landing.abandon();
    }

    /** @param wanted bytes asked for; 0 where a library could not say */
    BadInput outOfMemory(long wanted) {
        MemoryUse use = use();
        long free = driver.memoryFree();
        List<String> largest = new ArrayList<>();
        main.holders().entrySet().stream().limit(HOLDERS_NAMED).forEach(e -> largest.add(e.getValue() + " x " + mb(e.getKey())));
        String what = wanted == 0 ? "" : mb(wanted) + " wanted, ";
        return new BadInput("Out of memory on " + device + ": " + what + mb(use.inUse()) + " in use"
                + (largest.isEmpty() ? "" : " (the largest: " + String.join(", ", largest) + ")") + ", " + mb(use.reserved() - use.inUse())
                + " held for reuse, " + mb(free) + " free on the card, " + mb(Math.max(0, total - free - use.reserved()))
                + " taken by other processes (nvidia-smi lists them) and CUDA itself.\nLower SOLVER.IMS_PER_BATCH, the image size"
                + " (INPUT.MIN_SIZE_TRAIN, INPUT.MIN_SIZE_TEST, INPUT.MAX_SIZE_TRAIN, INPUT.MAX_SIZE_TEST) or"
                + " MODEL.SparseRCNN.NUM_PROPOSALS, or compute in bf16: SOLVER.AMP.ENABLED True.");
    }

    private static String mb(long bytes) {
        return bytes < 1 << 20 ? String.format(java.util.Locale.ROOT, "%,d KB", (bytes + 1023) >> 10)
                : String.format(java.util.Locale.ROOT, "%,d MB", bytes >> 20);
    }

    // The table of blocks: linear probing, and no marks for what was removed

    private int slotOf(long address) {
        long hash = address / BlockAllocator.GRAIN * 0x9e3779b97f4a7c15L;
        int slot = (int) (hash >>> 32) & (handedOut.length - 1);
        while (handedOut[slot] != null && handedOut[slot].address() != address) {
            slot = slot + 1 & (handedOut.length - 1);
        }
        return slot;
    }

    private void remember(Block block) {
        if (2 * ++handedOutCount > handedOut.length) {
            Block[] old = handedOut;
            handedOut = new Block[2 * old.length];
            for (Block b : old) {
                if (b != null) {
                    handedOut[slotOf(b.address())] = b;
                }
            }
        }
        handedOut[slotOf(block.address())] = block;
    }

    private Block forget(long address) {
        int slot = slotOf(address);
        Block block = handedOut[slot];
        if (block == null) {
            throw new IllegalStateException("freed twice, or not this device's: buffer at 0x" + Long.toHexString(address));
        }
        handedOut[slot] = null;
        handedOutCount--;
        // What stood behind it in the same run may have been pushed past its place.
        for (int s = slot + 1 & (handedOut.length - 1); handedOut[s] != null; s = s + 1 & (handedOut.length - 1)) {
            Block moved = handedOut[s];
            handedOut[s] = null;
            handedOut[slotOf(moved.address())] = moved;
        }
        return block;
    }
}
