package org.sparsercnn.train;

import java.lang.foreign.MemorySegment;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.ForwardingDevice;
import org.sparsercnn.device.Pointer;
import org.sparsercnn.device.Readback;

/** A device whose readbacks come late, as those of one that works behind the caller do, and that counts how often it is waited for. */
final class LateDevice extends ForwardingDevice {
    private final int late;
    private int reads;
    private int waits;
    private int open;

    /** @param late a readback has arrived when so many more were asked for, or when it was waited for */
    LateDevice(Device device, int late) {
        super(device);
        this.late = late;
    }

    @Override
    public boolean runsBehind() {
        return late > 0;
    }

    int waits() {
        return waits;
    }

    /** Readbacks that nobody has closed. */
    int open() {
        return open;
    }

    @Override
    public void copyOut(Pointer from, MemorySegment host) {
        waits++;
        super.copyOut(from, host);
    }

    @Override
    public void synchronize() {
        waits++;
        super.synchronize();
    }

    @Override
    public Readback read(Pointer from, long bytes) {
        Readback inner = super.read(from, bytes);
        int arrives = ++reads + late;
        open++;
        return new Readback() {
            private boolean closed;

            @Override
            public boolean isDone() {
                return reads >= arrives;
            }

            @Override
            public MemorySegment await() {
                waits += isDone() ? 0 : 1;
                return inner.await();
            }

            @Override
            public void close() {
                open -= closed ? 0 : 1;
                closed = true;
                inner.close();
            }
        };
    }
}
