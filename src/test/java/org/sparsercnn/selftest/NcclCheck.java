package org.sparsercnn.selftest;

import org.sparsercnn.device.Device;
import org.sparsercnn.device.cuda.CudaDevice;
import org.sparsercnn.device.cuda.CudaDevices;
import org.sparsercnn.ffi.cuda.CudaDriver;
import org.sparsercnn.ffi.cuda.Nccl;
import org.sparsercnn.ffi.cuda.NumberType;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;
import org.sparsercnn.util.BadInput;

/** NCCL with one rank, in place: a sum over one, and a broadcast to nobody, leave the numbers as they are. */
record NcclCheck() implements Check {
    private static final int NUMBERS = 100_003;

    @Override
    public String title() {
        return "nccl with one rank";
    }

    @Override
    public boolean appliesTo(Mode mode) {
        return mode == Mode.FP32;
    }

    @Override
    public void run(Device device, Mode mode, Worst worst) {
        if (!(device instanceof CudaDevice gpu)) {
            throw new Skipped("not a GPU");
        }
        Nccl nccl = nccl();
        CudaDriver driver = CudaDevices.ofThisMachine().driver();
        Array wanted = Array.zeros(NUMBERS);
        java.util.Arrays.setAll(wanted.values(), i -> i);
        try (Scope scope = new Scope(device)) {
            Tensor x = scope.hold(Tensor.of(device, wanted.floats(), NUMBERS));
            device.synchronize();
            long stream = driver.streamCreate(); // in the device's context, which its calls made current here
            long comm = nccl.commInitAll(gpu.options().ordinal())[0];
            try {
                nccl.allReduceSum(x.address(), x.address(), NUMBERS, NumberType.F32, comm, stream);
                nccl.broadcast(x.address(), x.address(), x.bytes(), 0, comm, stream);
                driver.streamSynchronize(stream);
                nccl.checkAsync(comm);
                float[] got = x.toFloats();
                Array a = Array.zeros(NUMBERS);
                java.util.Arrays.setAll(a.values(), i -> got[i]);
                worst.count();
                worst.elements("sum", a, wanted, 0);
            } finally {
                nccl.commDestroy(comm);
                driver.streamDestroy(stream);
            }
        }
    }

    private static Nccl nccl() {
        try {
            return new Nccl();
        } catch (BadInput e) {
            throw new Skipped(e.getMessage().lines().findFirst().orElseThrow());
        }
    }
}
