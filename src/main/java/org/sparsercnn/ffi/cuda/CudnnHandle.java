package org.sparsercnn.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** cuDNN at work on one device: belongs to the context that was current when it was made, and serves one thread at a time. */
final class CudnnHandle implements AutoCloseable {
    private final CudnnLibrary cudnn;
    private final long address;
    private long stream;

    CudnnHandle(CudnnLibrary cudnn) {
        this.cudnn = cudnn;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment target = arena.allocate(JAVA_LONG);
            cudnn.create(target.address());
            address = target.get(JAVA_LONG, 0);
        }
    }

    CudnnLibrary cudnn() {
        return cudnn;
    }

    long address() {
        return address;
    }

    /** The handle, with what is called next going to {@code stream}. */
    long on(long stream) {
        if (stream != this.stream) {
            cudnn.setStream(address, stream);
            this.stream = stream;
        }
        return address;
    }

    @Override
    public void close() {
        cudnn.destroy(address);
    }
}
