package org.sparsercnn.device.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.device.Buffer;
import org.sparsercnn.device.Convolution;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.DeviceHealth;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Launch;
import org.sparsercnn.device.Lookout;
import org.sparsercnn.device.MemoryUse;
import org.sparsercnn.device.Pointer;
import org.sparsercnn.device.Readback;
import org.sparsercnn.device.Recording;
import org.sparsercnn.ffi.cuda.CudaBlas;
import org.sparsercnn.ffi.cuda.CudaDnn;
import org.sparsercnn.ffi.cuda.CudaDriver;
import org.sparsercnn.ffi.cuda.CudaException;
import org.sparsercnn.ffi.cuda.DeviceAttribute;
import org.sparsercnn.ffi.cuda.NcclCalls;

/**
 * A GPU as a device: kernels by nvcc, matrix products by cuBLASLt, convolutions by cuDNN, all queued on one stream behind the
 * caller. Any thread may use it, one at a time. When the GPU fails, the call that notices throws a BadInput that says so in
 * plain words, and so does every later one; giving memory back and closing still work.
 */
public final class CudaDevice implements Device, Launch.Runner {
    private static final Logger LOG = LoggerFactory.getLogger(CudaDevice.class);
    /** The driver keeps a current context per thread, for all devices of the process; this is the {@link #identity} it belongs to. */
    private static final ThreadLocal<Object[]> CURRENT = ThreadLocal.withInitial(() -> new Object[1]);

    private final CudaDriver driver;
    private final CudaOptions options;
    private final String name;
    private final Object identity = new Object();
    private final long context;
    private final long compute;
    private final long copies;
    private final DeviceMemory memory;
    private final Faults faults;
    private final GpuSensors sensors;
    private final Transfers transfers;
    private final KernelModule kernels;
    private final CudaBlas blas;
    private final CudaDnn dnn;
    private final MatrixProducts products;
    private final Convolutions convolutions;
    private final Arena arena = Arena.ofShared();
    private final Launch launch;
    /** The driver wants the address of each argument; a kernel has one, the struct. */
    private final long parameters;
    private boolean recording;
    private boolean closed;

    public CudaDevice(CudaProvider provider, CudaOptions options) {
        this.driver = provider.driver();
        this.options = options;
        int ordinal = options.ordinal();
        this.name = describe(driver, ordinal);
        this.context = driver.primaryContextRetain(ordinal);
        try {
            bind();
            this.compute = driver.streamCreate();
            this.copies = driver.streamCreate();
            this.memory = new DeviceMemory(driver, name, driver.deviceTotalMemory(ordinal));
            this.faults = new Faults(driver, name, memory);
            this.sensors = new GpuSensors(name, driver.devicePciBusId(ordinal));
            this.transfers = new Transfers(driver, memory, compute, copies);
            this.kernels = new KernelModule(driver, provider.kernels(), options);
            MemorySegment arguments = arena.allocate(Launch.MAX_BYTES, 64);
            MemorySegment addresses = arena.allocate(ValueLayout.JAVA_LONG);
            addresses.set(ValueLayout.JAVA_LONG, 0, arguments.address());
            this.parameters = addresses.address();
            this.launch = new Launch(arguments, this);
            this.blas = provider.blas().get();
            this.dnn = provider.dnn().get();
            OutputEpilogue rest = new OutputEpilogue(launch);
            this.products = new MatrixProducts(blas, memory, rest, options, compute);
            this.convolutions = new Convolutions(dnn, driver, memory, rest, options, compute);
        } catch (RuntimeException e) {
            quietly(() -> driver.primaryContextRelease(ordinal)); // and with it what was made in it
            arena.close();
            throw e;
        }
    }

    private static String describe(CudaDriver driver, int ordinal) {
        return String.format(Locale.ROOT, "cuda:%d (%s, sm_%d%d, %d GiB, CUDA %d.%d)", ordinal, driver.deviceName(ordinal),
                driver.deviceAttribute(ordinal, DeviceAttribute.COMPUTE_CAPABILITY_MAJOR),
                driver.deviceAttribute(ordinal, DeviceAttribute.COMPUTE_CAPABILITY_MINOR),
                Math.round(driver.deviceTotalMemory(ordinal) / (double) (1L << 30)), driver.version() / 1000, driver.version() % 1000 / 10);
    }

    /** Makes this device's context the calling thread's, unless it is. */
    private void bind() {
        Object[] current = CURRENT.get();
        if (current[0] != identity) {
            driver.setCurrent(context);
            current[0] = identity;
        }
    }

    void enter() {
        if (closed) {
            throw new IllegalStateException(name + " used after it was closed");
        }
        faults.check();
        try {
            bind();
        } catch (CudaException e) {
            throw faults.explain(e);
        }
    }

    /** For what must not be part of recorded work. */
    void enterToWait(String what, long bytes) {
        enter();
        if (recording) {
            throw new IllegalStateException("recorded work must not exchange data with the host: " + what
                    + (bytes < 0 ? "" : " of " + bytes + " bytes"));
        }
    }

    /** What a failed call of a library means; {@code e} itself where it ends nothing. */
    RuntimeException explain(CudaException e) {
        return faults.explain(e);
    }

    @Override
    public String name() {
        return name;
    }

    public CudaOptions options() {
        return options;
    }

    /** How often the host has waited for the GPU. */
    public long hostWaits() {
        return transfers.hostWaits();
    }

    // Memory

    @Override
    public Buffer allocate(long bytes) {
        enter();
        try {
            return memory.allocate(bytes);
        } catch (CudaException e) {
            throw faults.explain(e);
        }
    }

    @Override
    public void free(Buffer buffer) {
        if (!closed) {
            memory.free(buffer);
        }
    }

    @Override
    public MemoryUse memory() {
        return memory.use();
    }

    @Override
    public void copyIn(MemorySegment host, Pointer to) {
        enterToWait("copyIn", host.byteSize());
        try {
            transfers.copyIn(host, to.address());
        } catch (CudaException e) {
            throw faults.explain(e);
        }
    }

    @Override
    public void copyOut(Pointer from, MemorySegment host) {
        enterToWait("copyOut", host.byteSize());
        try {
            transfers.copyOut(from.address(), host);
        } catch (CudaException e) {
            throw faults.explain(e);
        }
    }

    @Override
    public void copy(Pointer from, Pointer to, long bytes) {
        enter();
        try {
            if (bytes > 0) {
                driver.copyOnDevice(to.address(), from.address(), bytes, compute);
            }
        } catch (CudaException e) {
            throw faults.explain(e);
        }
    }

    @Override
    public void zero(Pointer target, long bytes) {
        enter();
        try {
            if (bytes > 0) {
                driver.fill(target.address(), (byte) 0, bytes, compute);
            }
        } catch (CudaException e) {
            throw faults.explain(e);
        }
    }

    @Override
    public Readback read(Pointer from, long bytes) {
        enterToWait("read", bytes);
        try {
            return new Arriving(transfers.read(from.address(), bytes));
        } catch (CudaException e) {
            throw faults.explain(e);
        }
    }

    private final class Arriving implements Readback {
        private final Transfers.Arrival arrival;

        Arriving(Transfers.Arrival arrival) {
            this.arrival = arrival;
        }

        @Override
        public boolean isDone() {
            enterToWait("isDone of a readback", -1);
            try {
                return arrival.isDone();
            } catch (CudaException e) {
                throw faults.explain(e);
            }
        }

        @Override
        public MemorySegment await() {
            enterToWait("await of a readback", -1);
            try {
                return arrival.await();
            } catch (CudaException e) {
                throw faults.explain(e);
            }
        }

        @Override
        public void close() {
            if (!closed && !faults.isFatal()) {
                enter();
                try {
                    arrival.close();
                } catch (CudaException e) {
                    throw faults.explain(e);
                }
            }
        }
    }

    // Kernels

    @Override
    public boolean has(Kernel kernel) {
        enter();
        try {
            return kernels.has(kernel);
        } catch (CudaException e) {
            throw faults.explain(e);
        }
    }

    @Override
    public boolean computesIn(DType type) {
        return type == DType.F32 || type == DType.BF16;
    }

    @Override
    public Launch kernel(Kernel kernel) {
        return launch.of(kernel);
    }

    @Override
    public void overRows(Kernel kernel, MemorySegment args, long rows) {
        enter();
        try {
            kernels.overRows(kernel, rows, compute, parameters);
        } catch (CudaException e) {
            throw faults.explain(e);
        }
    }

    @Override
    public void overBlocks(Kernel kernel, MemorySegment args, long blocks, int threads, int sharedBytes) {
        enter();
        try {
            kernels.overBlocks(kernel, blocks, threads, sharedBytes, compute, parameters);
        } catch (CudaException e) {
            throw faults.explain(e);
        }
    }

    @Override
    public void overElements(Kernel kernel, MemorySegment args, long n) {
        enter();
        try {
            kernels.overElements(kernel, n, compute, parameters);
        } catch (CudaException e) {
            throw faults.explain(e);
        }
    }

    // Products

    @Override
    public void gemm(Gemm gemm) {
        enter();
        try {
            products.run(gemm);
        } catch (CudaException e) {
            throw faults.explain(e);
        }
    }

    @Override
    public void convolution(Convolution shape, Pointer x, Pointer w, Epilogue epilogue, Pointer y) {
        enter();
        try {
            convolutions.forward(shape, x.address(), w.address(), epilogue, y.address());
        } catch (CudaException e) {
            throw faults.explain(e);
        }
    }

    @Override
    public void convolutionBackwardData(Convolution shape, Pointer dy, Pointer w, Pointer dx) {
        enter();
        try {
            convolutions.backwardData(shape, dy.address(), w.address(), dx.address());
        } catch (CudaException e) {
            throw faults.explain(e);
        }
    }

    @Override
    public void convolutionBackwardWeight(Convolution shape, Pointer x, Pointer dy, Pointer dw) {
        enter();
        try {
            convolutions.backwardWeight(shape, x.address(), dy.address(), dw.address());
        } catch (CudaException e) {
            throw faults.explain(e);
        }
    }

    // Recorded work

    @Override
    public Optional<Recording> record(Runnable work) {
        enterToWait("another recording", -1);
        recording = true;
        try {
            GraphRecording graph = GraphRecording.of(driver, memory, compute, work);
            recording = false;
            graph.replay();
            return Optional.of(new Graph(graph));
        } catch (CudaException e) {
            RuntimeException reason = faults.explain(e);
            throw reason != e ? reason : new IllegalStateException("this work cannot be recorded: " + e.getMessage(), e);
        } finally {
            recording = false;
        }
    }

    private final class Graph implements Recording {
        private final GraphRecording graph;

        Graph(GraphRecording graph) {
            this.graph = graph;
        }

        @Override
        public void replay() {
            enterToWait("the replay of another recording", -1);
            try {
                graph.replay();
            } catch (CudaException e) {
                throw faults.explain(e);
            }
        }

        @Override
        public void close() {
            if (!closed && !faults.isFatal()) {
                enter();
                try {
                    graph.close();
                } catch (CudaException e) {
                    throw faults.explain(e);
                }
            }
        }
    }

    /**
     * Becomes a rank of a group of GPUs, once every rank has come.
     *
     * @param uniqueId made by one rank's {@link NcclCalls#uniqueId}, the same for all
     * @param lookout asked whenever this rank waits for another, from now on
     * @throws org.sparsercnn.util.BadInput where this GPU cannot be part of the group, as when another rank has it
     * @throws org.sparsercnn.util.GuardStop where a rank is missing or lost
     */
    public NcclGroup join(NcclCalls nccl, byte[] uniqueId, int rank, int size, Lookout lookout) {
        enterToWait("joining a group", -1);
        try {
            return new NcclGroup(this, driver, compute, nccl, uniqueId, rank, size, lookout);
        } catch (CudaException e) {
            throw faults.explain(e);
        }
    }

    @Override
    public Optional<DeviceHealth> health() {
        return closed ? Optional.empty() : sensors.read();
    }

    @Override
    public void synchronize() {
        enterToWait("synchronize", -1);
        try {
            transfers.synchronize();
        } catch (CudaException e) {
            throw faults.explain(e);
        }
    }

    /** Gives everything back. Never throws: after a failure of the GPU, what cannot be given back goes with the process. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        quietly(this::bind);
        quietly(driver::synchronizeContext);
        quietly(sensors::close);
        quietly(blas::close);
        quietly(dnn::close);
        quietly(transfers::close);
        quietly(memory::close);
        quietly(kernels::close);
        quietly(() -> driver.streamDestroy(copies));
        quietly(() -> driver.streamDestroy(compute));
        quietly(() -> driver.primaryContextRelease(options.ordinal()));
        CURRENT.remove();
        arena.close();
    }

    private void quietly(Runnable step) {
        try {
            step.run();
        } catch (RuntimeException e) {
            LOG.debug("closing {}: {}", name, e.getMessage());
        }
    }
}
