package org.sparsercnn.device.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.sparsercnn.ffi.CpuKernels;
import org.sparsercnn.kernels.EmulatedKernels;
import org.sparsercnn.kernels.KernelField;
import org.sparsercnn.kernels.Schedule;

/** Runs kernels on the CPU: those of the CPU build there, one thread a block; the rest, written for a GPU alone, emulated. */
final class NullKernels {
    /** Fails where so many bytes at that address are not in memory that is held. */
    interface Check {
        void require(long address, long bytes, String what);
    }

    private static final long POOL = CpuKernels.createPool(1, -1);

    private final Check check;

    NullKernels(Check check) {
        this.check = check;
    }

    static boolean has(String kernel) {
        return CpuKernels.has(kernel) || EmulatedKernels.areBuilt() && EmulatedKernels.has(kernel);
    }

    private static List<KernelField> fields(String kernel) {
        return CpuKernels.has(kernel) ? KernelField.parse(CpuKernels.kernelFields(kernel)) : EmulatedKernels.fields(kernel);
    }

    /** The fields of a kernel's struct. */
    static long[] arguments(String kernel, MemorySegment struct) {
        return struct.asSlice(0, 8L * fields(kernel).size()).toArray(ValueLayout.JAVA_LONG);
    }

    void run(String kernel, MemorySegment struct, long blocks, int threads, int sharedBytes) {
        List<KernelField> fields = fields(kernel);
        for (int i = 0; i < fields.size(); i++) {
            long address = struct.getAtIndex(ValueLayout.JAVA_LONG, i);
            if (fields.get(i).kind() == KernelField.Kind.POINTER && address != 0) {
                check.require(address, 1, kernel + ", " + fields.get(i).name());
            }
        }
        if (CpuKernels.has(kernel)) {
            CpuKernels.launch(POOL, CpuKernels.kernel(kernel), struct.address(), blocks);
        } else {
            EmulatedKernels.run(kernel, struct, blocks, sharedBytes, new Schedule(Schedule.Order.FORWARD, 0, threads)).ifPresent(message -> {
                throw new AssertionError(message);
            });
        }
    }
}
