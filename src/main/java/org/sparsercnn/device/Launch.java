package org.sparsercnn.device;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The arguments of one kernel launch, written field by field into a block of memory that is used again for every launch:
 *
 * <pre>{@code device.kernel(RELU_FWD).ptr(x).ptr(y).i64(n).overElements(n);}</pre>
 */
public final class Launch {
    /** Size of the argument block: the most a CUDA kernel could take before version 12. */
    public static final int MAX_BYTES = 4096;

    /** What a device does with a finished launch. */
    public interface Runner {
        /** One block per row. */
        void overRows(Kernel kernel, MemorySegment args, long rows);

        /**
         * So many blocks of so many threads, for kernels written for one size.
         *
         * @param sharedBytes dynamic shared memory of a block
         */
        void overBlocks(Kernel kernel, MemorySegment args, long blocks, int threads, int sharedBytes);

        /** As many blocks as the device likes for {@code n} independent elements. */
        void overElements(Kernel kernel, MemorySegment args, long n);
    }

    private final MemorySegment args;
    private final Runner runner;
    private Kernel kernel;
    private int filled;

    public Launch(MemorySegment args, Runner runner) {
        this.args = args;
        this.runner = runner;
    }

    /** Starts filling the arguments of {@code kernel}. */
    public Launch of(Kernel kernel) {
        this.kernel = kernel;
        filled = 0;
        return this;
    }

    /** A pointer; null becomes the null pointer. */
    public Launch ptr(Pointer p) {
        return i64(p == null ? 0 : p.address());
    }

    public Launch i64(long value) {
        args.set(ValueLayout.JAVA_LONG, 8L * filled++, value);
        return this;
    }

    public Launch f64(double value) {
        args.set(ValueLayout.JAVA_DOUBLE, 8L * filled++, value);
        return this;
    }

    public Launch flag(boolean value) {
        return i64(value ? 1 : 0);
    }

    public void overRows(long rows) {
        checkFilled();
        if (rows > 0) {
            runner.overRows(kernel, args, rows);
        }
    }

    public void overBlocks(long blocks, int threads, int sharedBytes) {
        checkFilled();
        if (blocks > 0) {
            runner.overBlocks(kernel, args, blocks, threads, sharedBytes);
        }
    }

    public void overElements(long n) {
        checkFilled();
        if (n > 0) {
            runner.overElements(kernel, args, n);
        }
    }

    private void checkFilled() {
        if (filled != kernel.fields().size()) {
            throw new IllegalStateException(kernel.name() + " takes " + kernel.fields() + ", got " + filled + " values");
        }
    }
}
