package org.sparsercnn.ffi.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import org.sparsercnn.ffi.cuda.CudaLibraries.Library;

/**
 * The driver of tests: {@code native/standin/cuda.cpp}, in place of NVIDIA's. {@link #close} leaves a machine without a GPU, as other
 * tests expect to find it.
 */
public final class StandIn implements AutoCloseable {
    private final StandInLibrary library;

    private StandIn(StandInLibrary library) {
        this.library = library;
    }

    /** Makes the machine one with so many devices of so many bytes each; skips the test where the stand-in was not built. */
    public static StandIn of(int devices, long memory) {
        StandIn standIn = new StandIn(StandInLibrary.of("libcuda.so.1", Library.CUDA));
        standIn.reset(devices, memory);
        return standIn;
    }

    private void reset(long devices, long memory) {
        library.call("standin_reset", devices, memory);
    }

    public void version(long version) {
        library.call("standin_version", version);
    }

    /** @param capability 90 for compute capability 9.0 */
    public void capability(long capability) {
        library.call("standin_capability", capability);
    }

    /** How much of a kernel's argument struct the log shows and a {@link Runner} gets; so many bytes must be there. */
    public void argumentBytes(long bytes) {
        library.call("standin_argument_bytes", bytes);
    }

    /** The n-th call (from 1) of a function, or the n-th "kernel" that runs, fails with that code; 700 to 899 for good. */
    public void fail(String call, long n, long code) {
        library.call("standin_fail", call, n, code);
    }

    /** What the device has done since the last call, a line each. */
    public String log() {
        return library.text("standin_log");
    }

    /** What has not been given back, or "". */
    public String held() {
        return library.text("standin_held");
    }

    /** Something that can run kernels. */
    @FunctionalInterface
    public interface Runner {
        /** @param arguments as many bytes as {@link #argumentBytes} says */
        void run(String kernel, long arguments, long blocks, long threads);
    }

    /** Gives the device something to run its kernels, while {@code arena} lives. */
    public void runner(Runner runner, Arena arena) {
        try {
            MethodHandle target = MethodHandles.lookup().findStatic(StandIn.class, "run",
                    MethodType.methodType(void.class, Runner.class, MemorySegment.class, long.class, long.class, long.class)).bindTo(runner);
            MemorySegment upcall = Linker.nativeLinker().upcallStub(target, FunctionDescriptor.ofVoid(ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG), arena);
            library.call("standin_runner", upcall.address());
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    @SuppressWarnings("unused") // called from native code
    private static void run(Runner runner, MemorySegment name, long arguments, long blocks, long threads) {
        runner.run(name.reinterpret(Long.MAX_VALUE).getString(0), arguments, blocks, threads);
    }

    @Override
    public void close() {
        reset(0, 0);
        library.close();
    }
}
