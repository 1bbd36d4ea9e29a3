package org.sparsercnn.device.cuda;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.sparsercnn.device.cuda.BlockAllocator.Block;
import org.sparsercnn.ffi.cuda.CudaDriver;
import org.sparsercnn.util.BadInput;

/**
 * Copies between host and device through pinned memory. Towards the device nothing waits: pieces are staged, large ones cross
 * on a stream of their own and land beside the tensors, and the compute stream moves them to their place when it gets there.
 * Counts how often the host waited for the device.
 */
final class Transfers {
    /** Large copies are cut into pieces of it. */
    private static final long PIECE = 4L << 20;
    /** From here on a piece crosses on the copy stream. */
    private static final long LARGE = 256L << 10;
    /** Bytes under way to the device before the host waits: two batches of 16 large pictures. */
    private static final long MOST_UNDER_WAY = 256L << 20;
    private static final MemorySegment HOST = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    /** A piece on its way to the device. */
    private record Piece(Block staged, Block landing, long event) {}

    private final CudaDriver driver;
    private final DeviceMemory memory;
    private final long compute;
    private final long copies;
    private final BlockAllocator pinned;
    private final Deque<Piece> underWay = new ArrayDeque<>();
    private final List<Long> events = new ArrayList<>();
    private final Deque<Long> freeEvents = new ArrayDeque<>();
    private long bytesUnderWay;
    private long hostWaits;

    /** @param compute the stream of all other work; {@code copies} another */
    Transfers(CudaDriver driver, DeviceMemory memory, long compute, long copies) {
        this.driver = driver;
        this.memory = memory;
        this.compute = compute;
        this.copies = copies;
        this.pinned = new BlockAllocator(new BlockAllocator.Source() {
            @Override
            public long take(long bytes) {
                return driver.hostAlloc(bytes);
            }

            @Override
            public void give(long address, long bytes) {
                driver.hostFree(address);
            }
        });
    }

    long hostWaits() {
        return hostWaits;
    }

    void copyIn(MemorySegment host, long to) {
        takeBackArrived();
        for (long at = 0; at < host.byteSize(); at += PIECE) {
            copyPieceIn(host, at, Math.min(PIECE, host.byteSize() - at), to + at);
        }
    }

    private void copyPieceIn(MemorySegment host, long at, long bytes, long to) {
        while (bytesUnderWay + bytes > MOST_UNDER_WAY) {
            awaitOldest();
        }
        Block staged = pinned(bytes);
        MemorySegment.copy(host, at, HOST, staged.address(), bytes);
        Block landing = bytes >= LARGE ? memory.landing().take(bytes) : null;
        long event = event();
        if (landing == null) {
            driver.copyToDevice(to, staged.address(), bytes, compute);
        } else {
            driver.copyToDevice(landing.address(), staged.address(), bytes, copies);
            driver.eventRecord(event, copies);
            driver.streamWaitEvent(compute, event);
            driver.copyOnDevice(to, landing.address(), bytes, compute);
        }
        driver.eventRecord(event, compute);
        underWay.add(new Piece(staged, landing, event));
        bytesUnderWay += staged.bytes();
    }

    private void takeBackArrived() {
        while (!underWay.isEmpty() && driver.eventQuery(underWay.peek().event)) {
            takeBack(underWay.remove());
        }
    }

    private void awaitOldest() {
        hostWaits++;
        Piece oldest = underWay.remove();
        driver.eventSynchronize(oldest.event);
        takeBack(oldest);
    }

    private void takeBack(Piece piece) {
        bytesUnderWay -= piece.staged.bytes();
        piece.staged.give();
        if (piece.landing != null) {
            piece.landing.give();
        }
        freeEvents.push(piece.event);
    }

    void copyOut(long from, MemorySegment host) {
        hostWaits++;
        for (long at = 0; at < host.byteSize(); at += PIECE) {
            long bytes = Math.min(PIECE, host.byteSize() - at);
            try (Arrival piece = read(from + at, bytes)) {
                driver.eventSynchronize(piece.event);
                MemorySegment.copy(piece.await(), 0, host, at, bytes);
            }
        }
    }

    /** Begins to copy to the host. */
    Arrival read(long from, long bytes) {
        Block block = pinned(bytes);
        long event = event();
        if (bytes > 0) {
            driver.copyToHost(block.address(), from, bytes, compute);
        }
        driver.eventRecord(event, compute);
        return new Arrival(block, bytes, event);
    }

    /** Pinned memory that is being filled from the device. */
    final class Arrival implements AutoCloseable {
        private final Block block;
        private final long bytes;
        private final long event;
        private boolean arrived;
        private boolean closed;

        private Arrival(Block block, long bytes, long event) {
            this.block = block;
            this.bytes = bytes;
            this.event = event;
        }

        boolean isDone() {
            return arrived = arrived || driver.eventQuery(event);
        }

        MemorySegment await() {
            if (closed) {
                throw new IllegalStateException("read after it was closed");
            }
            if (!isDone()) {
                hostWaits++;
                driver.eventSynchronize(event);
                arrived = true;
            }
            return HOST.asSlice(block.address(), bytes);
        }

        @Override
        public void close() {
            if (!closed) {
                await();
                closed = true;
                block.give();
                freeEvents.push(event);
            }
        }
    }

    void synchronize() {
        hostWaits++;
        driver.streamSynchronize(compute);
    }

    private Block pinned(long bytes) {
        Block block = pinned.take(bytes);
        while (block == null && !underWay.isEmpty()) {
            awaitOldest();
            block = pinned.takeCached(bytes);
        }
        if (block == null) {
            throw BadInput.of("The host has no more memory to pin for copies to and from the GPU: %,d KB wanted, %,d MB pinned. Free host"
                    + " memory, or raise the container's memory limit", bytes >> 10, pinned.use().reserved() >> 20);
        }
        return block;
    }

    private long event() {
        if (freeEvents.isEmpty()) {
            freeEvents.push(driver.eventCreate(false));
            events.add(freeEvents.peek());
        }
        return freeEvents.pop();
    }

    /** Gives everything back; nothing may be under way any more. */
    void close() {
        events.forEach(driver::eventDestroy);
        pinned.abandon();
    }
}
