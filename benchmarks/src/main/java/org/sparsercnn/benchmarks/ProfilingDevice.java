package org.sparsercnn.benchmarks;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.sparsercnn.device.Buffer;
import org.sparsercnn.device.Convolution;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.device.ForwardingDevice;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Launch;
import org.sparsercnn.device.Pointer;
import org.sparsercnn.device.Recording;

/**
 * A device that times each call on the device under it, by kernel name and by the shapes of products and convolutions. Calls of
 * the CPU device return when the work is done, so the times are those of the work.
 */
final class ProfilingDevice extends ForwardingDevice implements Launch.Runner {
    private static final class Cost {
        long calls;
        long nanos;
        double flop;
    }

    private final Launch.Runner runner;
    private final Launch launch;
    private final LongSupplier clock;
    private final Map<String, Cost> costs = new HashMap<>();

    /**
     * @param device one whose launches can be run from outside, as the CPU device's
     * @param clock in nanoseconds
     */
    ProfilingDevice(Device device, LongSupplier clock) {
        super(device);
        this.clock = clock;
        this.runner = (Launch.Runner) device;
        this.launch = new Launch(Arena.ofAuto().allocate(Launch.MAX_BYTES, 64), this);
    }

    void reset() {
        costs.clear();
    }

    /** Milliseconds of one pass by call, most first; what is missing to the whole is time in Java. */
    String table(double wholeMs, int passes) {
        StringBuilder text = new StringBuilder(String.format(Locale.ROOT, "%9s %7s %9s  %s%n", "ms", "calls", "GFLOP/s", "call"));
        double sum = 0;
        for (var entry : costs.entrySet().stream().sorted((a, b) -> Long.compare(b.getValue().nanos, a.getValue().nanos)).toList()) {
            Cost c = entry.getValue();
            double ms = c.nanos * 1e-6 / passes;
            sum += ms;
            text.append(String.format(Locale.ROOT, "%9.3f %7.1f %9s  %s%n", ms, (double) c.calls / passes,
                    c.flop == 0 ? "" : String.format(Locale.ROOT, "%.1f", c.flop / c.nanos), entry.getKey()));
        }
        return text + String.format(Locale.ROOT, "%9.3f of %.3f ms in device calls%n", sum, wholeMs / passes);
    }

    private void timed(String name, double flop, Runnable call) {
        long begin = clock.getAsLong();
        call.run();
        Cost c = costs.computeIfAbsent(name, _ -> new Cost());
        c.nanos += clock.getAsLong() - begin;
        c.calls++;
        c.flop += flop;
    }

    @Override
    public Launch kernel(Kernel kernel) {
        return launch.of(kernel);
    }

    @Override
    public void overRows(Kernel kernel, MemorySegment args, long rows) {
        timed(kernel.name(), 0, () -> runner.overRows(kernel, args, rows));
    }

    @Override
    public void overElements(Kernel kernel, MemorySegment args, long n) {
        timed(kernel.name(), 0, () -> runner.overElements(kernel, args, n));
    }

    @Override
    public void overBlocks(Kernel kernel, MemorySegment args, long blocks, int threads, int sharedBytes) {
        timed(kernel.name(), 0, () -> runner.overBlocks(kernel, args, blocks, threads, sharedBytes));
    }

    @Override
    public Optional<Recording> record(Runnable work) {
        return Optional.empty();
    }

    @Override
    public void gemm(Gemm g) {
        long count = g.batch().countI() * g.batch().countJ();
        String name = "gemm %s%s m=%d n=%d k=%d%s".formatted(g.transA() ? "T" : "N", g.transB() ? "T" : "N", g.m(), g.n(), g.k(),
                count == 1 ? "" : " x " + count);
        timed(name, 2.0 * g.m() * g.n() * g.k() * count, () -> device.gemm(g));
    }

    private static String name(String what, Convolution s) {
        return "%s %dx%d/%d %d->%d on %dx%dx%d".formatted(what, s.kh(), s.kw(), s.stride(), s.ci(), s.co(), s.n(), s.h(), s.w());
    }

    private static double flop(Convolution s) {
        return 2.0 * s.n() * s.oh() * s.ow() * s.co() * s.kh() * s.kw() * s.ci();
    }

    @Override
    public void convolution(Convolution s, Pointer x, Pointer w, Epilogue epilogue, Pointer y) {
        timed(name("conv forward", s), flop(s), () -> device.convolution(s, x, w, epilogue, y));
    }

    @Override
    public void convolutionBackwardData(Convolution s, Pointer dy, Pointer w, Pointer dx) {
        timed(name("conv backward data", s), flop(s), () -> device.convolutionBackwardData(s, dy, w, dx));
    }

    @Override
    public void convolutionBackwardWeight(Convolution s, Pointer x, Pointer dy, Pointer dw) {
        timed(name("conv backward weight", s), flop(s), () -> device.convolutionBackwardWeight(s, x, dy, dw));
    }

    @Override
    public void zero(Pointer target, long bytes) {
        timed("zero", 0, () -> device.zero(target, bytes));
    }

    @Override
    public void copy(Pointer from, Pointer to, long bytes) {
        timed("copy", 0, () -> device.copy(from, to, bytes));
    }

    @Override
    public void copyIn(MemorySegment host, Pointer to) {
        timed("copy in", 0, () -> device.copyIn(host, to));
    }

    @Override
    public void copyOut(Pointer from, MemorySegment host) {
        timed("copy out", 0, () -> device.copyOut(from, host));
    }

    @Override
    public Buffer allocate(long bytes) {
        long begin = clock.getAsLong();
        Buffer buffer = device.allocate(bytes);
        Cost c = costs.computeIfAbsent("allocate", _ -> new Cost());
        c.nanos += clock.getAsLong() - begin;
        c.calls++;
        return buffer;
    }

    @Override
    public void free(Buffer buffer) {
        timed("free", 0, () -> device.free(buffer));
    }
}
