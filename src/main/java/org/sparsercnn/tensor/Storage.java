package org.sparsercnn.tensor;

import org.sparsercnn.device.Buffer;
import org.sparsercnn.device.Device;

/** A buffer and how many hold it; the last {@link #release} returns it to the device. */
final class Storage {
    final Device device;
    private final Buffer buffer;
    private int holders = 1;

    Storage(Device device, long bytes) {
        this.device = device;
        this.buffer = device.allocate(bytes);
    }

    long address() {
        if (holders == 0) {
            throw new IllegalStateException("tensor used after its memory was released");
        }
        return buffer.address();
    }

    boolean isHeldOnce() {
        return holders == 1;
    }

    void retain() {
        address();
        holders++;
    }

    void release() {
        address();
        if (--holders == 0) {
            device.free(buffer);
        }
    }
}
