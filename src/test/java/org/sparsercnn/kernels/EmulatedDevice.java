package org.sparsercnn.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.sparsercnn.device.Buffer;
import org.sparsercnn.device.ForwardingDevice;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Launch;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.ffi.CpuKernels;

/**
 * A CPU device whose kernels run as on a GPU, in blocks of threads, in a chosen order. It is strict: memory begins spoilt and
 * is so again when freed, pointers must point into memory that is held, and what lies around a buffer must stay as it was.
 * Matrix products and convolutions are the CPU device's.
 */
public final class EmulatedDevice extends ForwardingDevice implements Launch.Runner {
    /** So few blocks that every thread of an element-wise kernel goes round its loop. */
    private static final long MOST_BLOCKS_OVER_ELEMENTS = 3;
    /** Bytes before and behind every buffer. */
    private static final long MARGIN = 256;

    private final Schedule schedule;
    private final boolean deterministic;
    /** NaN; in one order 48.6, since a kernel that reads what it should not may well turn NaN into 0. */
    private final byte spoilt;
    private final Arena arena = Arena.ofConfined();
    private final Launch launch = new Launch(CpuKernels.block(arena, Launch.MAX_BYTES), this);
    private final MemorySegment margin;
    private final NavigableMap<Long, Held> held = new TreeMap<>();

    /** What is handed out at an address: so many bytes, inside a buffer of the CPU device. */
    private record Held(long bytes, Buffer whole) {}

    /** A device that was asked for equal results: it has no kernels that add atomically. */
    public EmulatedDevice(Schedule schedule) {
        this(schedule, true);
    }

    public EmulatedDevice(Schedule schedule, boolean deterministic) {
        super(new CpuDevice(1, -1));
        this.schedule = schedule;
        this.deterministic = deterministic;
        spoilt = (byte) (schedule.order() == Schedule.Order.BACKWARD ? 0x42 : 0xff);
        margin = arena.allocate(MARGIN).fill(spoilt);
    }

    /** Whether this build has the emulated kernels. */
    public static boolean isBuilt() {
        return EmulatedKernels.areBuilt();
    }

    @Override
    public String name() {
        return "emulated (" + schedule + ")";
    }

    @Override
    public Buffer allocate(long bytes) {
        Buffer whole = device.allocate(bytes + 2 * MARGIN);
        memory(whole.address(), whole.bytes()).fill(spoilt);
        held.put(whole.address() + MARGIN, new Held(bytes, whole));
        return new Buffer(whole.address() + MARGIN, bytes);
    }

    @Override
    public void free(Buffer buffer) {
        Held freed = held.remove(buffer.address());
        if (freed == null) {
            throw new AssertionError("freed twice: " + buffer);
        }
        memory(freed.whole.address(), freed.whole.bytes()).fill(spoilt);
        device.free(freed.whole);
    }

    private static MemorySegment memory(long address, long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    @Override
    public Launch kernel(Kernel kernel) {
        return launch.of(kernel);
    }

    @Override
    public void overRows(Kernel kernel, MemorySegment args, long rows) {
        run(kernel, args, rows, 0, schedule);
    }

    private void run(Kernel kernel, MemorySegment args, long blocks, int sharedBytes, Schedule schedule) {
        checkPointers(kernel, args);
        EmulatedKernels.run(kernel.name(), args, blocks, sharedBytes, schedule).ifPresent(message -> {
            throw new AssertionError(message);
        });
        held.forEach((start, buffer) -> {
            checkMargin(kernel, start - MARGIN, -MARGIN, buffer);
            checkMargin(kernel, start + buffer.bytes, buffer.bytes, buffer);
        });
    }

    @Override
    public void overBlocks(Kernel kernel, MemorySegment args, long blocks, int threads, int sharedBytes) {
        run(kernel, args, blocks, sharedBytes, new Schedule(schedule.order(), schedule.seed(), threads));
    }

    @Override
    public void overElements(Kernel kernel, MemorySegment args, long n) {
        overRows(kernel, args, Math.min(Math.ceilDiv(n, schedule.threads()), MOST_BLOCKS_OVER_ELEMENTS));
    }

    private void checkPointers(Kernel kernel, MemorySegment args) {
        List<KernelField> fields = EmulatedKernels.fields(kernel.name());
        for (int i = 0; i < fields.size(); i++) {
            long address = args.get(ValueLayout.JAVA_LONG, 8L * i);
            if (fields.get(i).kind() == KernelField.Kind.POINTER && address != 0) {
                Map.Entry<Long, Held> buffer = held.floorEntry(address);
                if (buffer == null || address > buffer.getKey() + buffer.getValue().bytes) {
                    throw new AssertionError(kernel.name() + ": " + fields.get(i).name() + " points to memory that is not held");
                }
            }
        }
    }

    /** @param offset of the margin from the buffer's start */
    private void checkMargin(Kernel kernel, long address, long offset, Held buffer) {
        long at = memory(address, MARGIN).mismatch(margin);
        if (at >= 0) {
            throw new AssertionError(kernel.name() + ", " + schedule + ": wrote byte " + (offset + at) + " of a buffer of " + buffer.bytes);
        }
    }

    @Override
    public void close() {
        device.close();
        arena.close();
    }

    @Override
    public boolean has(Kernel kernel) {
        return EmulatedKernels.has(kernel.name()) && !(deterministic && kernel.addsAtomically());
    }
}
