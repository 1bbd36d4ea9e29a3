package org.sparsercnn.data;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Bytes that are appended outside the heap while a file is read, twice as large when full. For one thread; close it. */
final class RowBuffer implements AutoCloseable {
    private Arena arena = Arena.ofConfined();
    private MemorySegment memory;
    private long used;

    RowBuffer(long capacity) {
        memory = arena.allocate(capacity, Long.BYTES);
    }

    /** Makes room for {@code bytes} more and returns where they begin. */
    long append(long bytes) {
        long at = used;
        used += bytes;
        if (used > memory.byteSize()) {
            Arena larger = Arena.ofConfined();
            MemorySegment grown = larger.allocate(Math.max(used, 2 * memory.byteSize()), Long.BYTES);
            MemorySegment.copy(memory, 0, grown, 0, at);
            arena.close();
            arena = larger;
            memory = grown;
        }
        return at;
    }

    /** What was appended; valid until the next {@link #append}. */
    MemorySegment memory() {
        return memory;
    }

    long used() {
        return used;
    }

    @Override
    public void close() {
        arena.close();
    }
}
