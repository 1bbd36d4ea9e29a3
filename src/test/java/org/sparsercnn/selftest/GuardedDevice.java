package org.sparsercnn.selftest;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.sparsercnn.device.Buffer;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.ForwardingDevice;
import org.sparsercnn.device.Recording;

/**
 * A device whose memory begins spoilt, is spoilt again when freed, and has a margin before and behind every buffer that must stay
 * as it was. It waits for the work at every {@link #free}, so it is for small tensors.
 */
public final class GuardedDevice extends ForwardingDevice {
    /** Bytes; a multiple of every alignment that kernels count on. */
    private static final int MARGIN = 512;
    private static final byte SPOILT = (byte) 0xff; // NaN in every float type

    /** What is handed out at an address: so many bytes, inside a buffer of the device. */
    private record Held(long bytes, Buffer whole) {}

    private final NavigableMap<Long, Held> held = new TreeMap<>();
    private final List<String> violations = new ArrayList<>();
    private boolean recording;

    public GuardedDevice(Device device) {
        super(device);
    }

    /** What was written outside of buffers, those still held included. */
    public List<String> violations() {
        held.forEach((address, h) -> checkMargins(address, h.bytes));
        return violations;
    }

    @Override
    public Buffer allocate(long bytes) {
        Buffer whole = device.allocate(bytes + 2 * MARGIN);
        spoil(whole);
        held.put(whole.address() + MARGIN, new Held(bytes, whole));
        return new Buffer(whole.address() + MARGIN, bytes);
    }

    @Override
    public void free(Buffer buffer) {
        Held freed = held.remove(buffer.address());
        if (freed == null) {
            throw new AssertionError("freed twice: " + buffer);
        }
        if (!recording) { // a device that records must not be waited for
            checkMargins(buffer.address(), freed.bytes);
            spoil(freed.whole);
        }
        device.free(freed.whole);
    }

    @Override
    public Optional<Recording> record(Runnable work) {
        return super.record(() -> {
            recording = true;
            try {
                work.run();
            } finally {
                recording = false;
            }
        });
    }

    private void spoil(Buffer whole) {
        if (recording) return;
        try (Arena arena = Arena.ofConfined()) {
            device.copyIn(arena.allocate(whole.bytes()).fill(SPOILT), whole);
        }
    }

    private void checkMargins(long address, long bytes) {
        checkMargin(address - MARGIN, -MARGIN, bytes);
        checkMargin(address + bytes, bytes, bytes);
    }

    private void checkMargin(long address, long offset, long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment margin = arena.allocate(MARGIN);
            device.copyOut(() -> address, margin);
            for (int i = 0; i < MARGIN; i++) {
                if (margin.get(ValueLayout.JAVA_BYTE, i) != SPOILT) {
                    violations.add("byte " + (offset + i) + " of a buffer of " + bytes + " was written");
                    return;
                }
            }
        }
    }
}
