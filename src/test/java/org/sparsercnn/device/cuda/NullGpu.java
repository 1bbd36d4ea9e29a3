package org.sparsercnn.device.cuda;

import java.lang.foreign.MemorySegment;
import org.sparsercnn.ffi.cuda.CudaDnn;

/** A {@link CudaDevice} on the null driver, and what stands behind it. */
public final class NullGpu implements AutoCloseable {
    private static final long MEMORY = 4L << 30;

    final NullDriver driver;
    final NullBlas blas;
    final NullDnn dnn;
    final CudaDevice device;

    private NullGpu(NullDriver driver, boolean fuses, CudaOptions options) {
        this.driver = driver;
        this.blas = new NullBlas(driver, fuses);
        this.dnn = new NullDnn(driver, fuses ? CudaDnn.Fused.ALL : CudaDnn.Fused.NONE);
        this.device = CudaDevices.open(new CudaProvider(driver, () -> blas, () -> dnn, MemorySegment.NULL), options);
    }

    /** Whose libraries fuse epilogues. */
    static NullGpu of(NullDriver.Pace pace) {
        return of(new NullDriver(MEMORY, pace), true);
    }

    static NullGpu of(NullDriver driver, boolean fuses) {
        return new NullGpu(driver, fuses, new CudaOptions(0, false, false));
    }

    static NullGpu of(NullDriver driver, CudaOptions options) {
        return new NullGpu(driver, true, options);
    }

    /** A device for tests of what runs on one, with work done as late as a GPU may do it. */
    public static CudaDevice lateDevice() {
        return of(NullDriver.Pace.LATE).device;
    }

    @Override
    public void close() {
        device.close();
    }
}
