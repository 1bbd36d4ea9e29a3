package org.sparsercnn.selftest;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.sparsercnn.app.Ranks;
import org.sparsercnn.device.Buffer;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Lookout;
import org.sparsercnn.device.cuda.CudaDevice;
import org.sparsercnn.device.cuda.CudaDevices;
import org.sparsercnn.device.cuda.CudaOptions;
import org.sparsercnn.device.cuda.NcclGroup;
import org.sparsercnn.dist.Launch;
import org.sparsercnn.dist.World;
import org.sparsercnn.ffi.cuda.CudaDriver;
import org.sparsercnn.ffi.cuda.Nccl;
import org.sparsercnn.ffi.cuda.NumberType;
import org.sparsercnn.testing.Array;
import org.sparsercnn.testing.Bf16;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.GuardStop;

/**
 * NCCL. With one rank every collective leaves the numbers as they are; with all GPUs of the machine, a thread each, sums are right and
 * their speed is told. Numbers are small integers, whose sums are exact in bf16 too.
 *
 * @param all all GPUs, where there are several
 */
record NcclCheck(boolean all) implements Check {
    private static final int NUMBERS = 100_003;
    private static final List<Integer> SIZES = List.of(1, 1000, (1 << 20) + 3);
    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final long TIMED_BYTES = 64L << 20;
    private static final int TIMED_SUMS = 20;

    static List<Check> checks() {
        return List.of(new NcclCheck(false), new NcclCheck(true));
    }

    @Override
    public String title() {
        return all ? "nccl with all GPUs" : "nccl with one rank";
    }

    @Override
    public boolean appliesTo(Mode mode) {
        return mode != Mode.TF32;
    }

    @Override
    public void run(Device device, Mode mode, Worst worst) {
        if (!(device instanceof CudaDevice gpu)) {
            throw new Skipped("not a GPU");
        }
        Nccl nccl = nccl();
        if (all) {
            withAllGpus(nccl, mode, worst);
        } else {
            calls(gpu, nccl, mode.compute(), worst);
            sumThatIsAborted(gpu, nccl, worst);
        }
    }

    private static Nccl nccl() {
        try {
            return new Nccl();
        } catch (BadInput e) {
            throw new Skipped(e.getMessage().lines().findFirst().orElseThrow());
        }
    }

    // One rank

    private static void calls(CudaDevice gpu, Nccl nccl, DType type, Worst worst) {
        CudaDriver driver = CudaDevices.ofThisMachine().driver();
        float[] wanted = values(NUMBERS, 0);
        Buffer x = upload(gpu, wanted, type);
        Buffer y = upload(gpu, new float[NUMBERS], type);
        gpu.synchronize();
        long stream = driver.streamCreate(); // in the device's context, which its calls made current here
        long comm = nccl.commInit(1, nccl.uniqueId(), 0);
        try {
            await(nccl, comm);
            NumberType numbers = type == DType.BF16 ? NumberType.BF16 : NumberType.F32;
            List<Runnable> calls = List.of(() -> nccl.allReduceSum(x.address(), x.address(), NUMBERS, numbers, comm, stream),
                    () -> nccl.broadcast(x.address(), x.address(), x.bytes(), 0, comm, stream),
                    () -> nccl.reduceScatterSum(x.address(), y.address(), NUMBERS, numbers, comm, stream),
                    () -> nccl.allGather(y.address(), x.address(), y.bytes(), comm, stream));
            for (Runnable call : calls) {
                call.run();
                await(nccl, comm);
            }
            driver.streamSynchronize(stream);
            compare("after all four", download(gpu, x, type), wanted, worst);
            nccl.commFinalize(comm);
            await(nccl, comm);
            nccl.commDestroy(comm);
        } finally {
            driver.streamDestroy(stream);
            gpu.free(x);
            gpu.free(y);
        }
    }

    private static void await(Nccl nccl, long comm) {
        while (!nccl.isReady(comm)) {
            Thread.onSpinWait();
        }
    }

    private static void sumThatIsAborted(CudaDevice gpu, Nccl nccl, Worst worst) {
        Buffer x = upload(gpu, values(NUMBERS, 0), DType.F32);
        try (NcclGroup group = gpu.join(nccl, nccl.uniqueId(), 0, 1, Lookout.NONE)) {
            group.allReduceSum(x, NUMBERS);
            group.barrier();
            group.startAllReduceSum(x, NUMBERS, DType.F32);
            group.abort();
            try {
                group.barrier();
                worst.add("a barrier after an abort", Double.NaN, 1);
            } catch (GuardStop _) {
                worst.count();
            }
            gpu.synchronize();
        } finally {
            gpu.free(x);
        }
    }

    // All GPUs

    private static void withAllGpus(Nccl nccl, Mode mode, Worst worst) {
        CudaDevices devices = CudaDevices.ofThisMachine();
        int gpus = devices.list().size();
        if (gpus == 1) {
            throw new Skipped("one GPU here");
        }
        World world = World.open(Launch.threads(gpus), TIMEOUT, nccl::uniqueId);
        Ranks.run(world, rank -> {
            try (CudaDevice device = devices.open(new CudaOptions(rank.number(), false, false)); Collective group = rank.join(device, nccl)) {
                rank.guard(() -> {
                    SIZES.forEach(size -> sums(device, group, size, mode.compute(), worst));
                    if (mode == Mode.FP32) {
                        timedSum(device, group, worst);
                    }
                });
            }
        });
    }

    private static void sums(CudaDevice device, Collective group, int size, DType type, Worst worst) {
        float[] sum = new float[size];
        for (int rank = 0; rank < group.size(); rank++) {
            float[] part = values(size, rank);
            for (int i = 0; i < size; i++) {
                sum[i] += part[i];
            }
        }
        Buffer at = upload(device, values(size, group.rank()), type);
        Buffer beside = upload(device, values(size, group.rank()), type);
        Buffer sent = upload(device, values(size, group.rank()), type);
        group.allReduceSum(at, size, type);
        Collective.Pending begun = group.startAllReduceSum(beside, size, type);
        group.broadcast(sent, sent.bytes(), group.size() - 1);
        begun.finish();
        group.barrier();
        String what = size + " values on rank " + group.rank() + ", ";
        compare(what + "sum", download(device, at, type), sum, worst);
        compare(what + "sum that was begun", download(device, beside, type), sum, worst);
        compare(what + "broadcast", download(device, sent, type), values(size, group.size() - 1), worst);
        List.of(at, beside, sent).forEach(device::free);
    }

    private static void timedSum(CudaDevice device, Collective group, Worst worst) {
        Buffer x = device.allocate(TIMED_BYTES);
        device.zero(x, TIMED_BYTES);
        for (int i = 0; i < TIMED_SUMS / 4; i++) {
            group.allReduceSum(x, TIMED_BYTES / Float.BYTES); // the first ones set up connections
        }
        group.barrier();
        long start = System.nanoTime();
        for (int i = 0; i < TIMED_SUMS; i++) {
            group.allReduceSum(x, TIMED_BYTES / Float.BYTES);
        }
        device.synchronize();
        double seconds = (System.nanoTime() - start) * 1e-9 / TIMED_SUMS;
        device.free(x);
        if (group.rank() == 0) {
            double bus = 2.0 * (group.size() - 1) / group.size() * TIMED_BYTES / seconds; // what each link carries of it
            worst.note(String.format(Locale.ROOT, "%d MB summed over %d GPUs in %.3f ms: bus bandwidth %.1f GB/s", TIMED_BYTES >> 20, group.size(),
                    seconds * 1e3, bus * 1e-9));
        }
    }

    // Numbers

    private static float[] values(int count, int rank) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = i % 8 + rank % 2;
        }
        return values;
    }

    private static Buffer upload(Device device, float[] values, DType type) {
        Buffer buffer = device.allocate((long) values.length * type.bytes());
        device.copyIn(type == DType.BF16 ? MemorySegment.ofArray(Bf16.narrow(values)) : MemorySegment.ofArray(values), buffer);
        return buffer;
    }

    private static float[] download(Device device, Buffer buffer, DType type) {
        MemorySegment host = MemorySegment.ofArray(new byte[(int) buffer.bytes()]);
        device.copyOut(buffer, host);
        return type == DType.BF16 ? Bf16.widen(host.toArray(ValueLayout.JAVA_SHORT_UNALIGNED)) : host.toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
    }

    private static void compare(String what, float[] got, float[] wanted, Worst worst) {
        synchronized (worst) { // ranks are threads
            worst.count();
            worst.elements(what, array(got), array(wanted), 0);
        }
    }

    private static Array array(float[] values) {
        Array array = Array.zeros(values.length);
        Arrays.setAll(array.values(), i -> values[i]);
        return array;
    }
}
