package org.sparsercnn.ffi.cuda;

/** cuDNN at work on one device: belongs to the context that was current when it was made, and serves one thread at a time. */
final class CudnnHandle implements AutoCloseable {
    private final CudnnLibrary cudnn;
    private final long address;
    private long stream;

    CudnnHandle(CudnnLibrary cudnn) {
        this.cudnn = cudnn;
        address = cudnn.create("cudnnCreate");
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
        cudnn.destroy("cudnnDestroy", address);
    }
}
