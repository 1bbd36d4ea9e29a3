package org.sparsercnn.benchmarks;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.sparsercnn.ffi.NativeLibraries;
import org.sparsercnn.ffi.cuda.CudaDriver;
import org.sparsercnn.ffi.cuda.CudaDrivers;
import org.sparsercnn.ffi.cuda.CudaLibraries.Library;
import org.sparsercnn.ffi.cuda.CudaLibraries;

/**
 * One kernel launch on a GPU, the kernel as small as can be: from Java, from C, and as a node of a graph. Queues a thousand, then
 * waits for them.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class LaunchBenchmark {
    private static final int LAUNCHES = 1000;

    @Param({"panama", "jcuda"})
    public String binding;

    private final Arena arena = Arena.ofShared();
    private CudaDriver driver;
    private long context;
    private long stream;
    private long module;
    private long function;
    private MemorySegment parameters;
    private long graph;
    private MethodHandle loop;
    private MemorySegment launchKernel;

    @Setup
    public void open() throws Exception {
        driver = CudaDrivers.open(binding);
        CudaDrivers.requireDevice(driver, 0);
        context = driver.primaryContextRetain(0);
        driver.setCurrent(context);
        stream = driver.streamCreate();
        byte[] image = Files.readAllBytes(NativeLibraries.locate("kernels.fatbin"));
        module = driver.moduleLoad(arena.allocate(image.length, 64).copyFrom(MemorySegment.ofArray(image)));
        function = driver.moduleFunction(module, "relu_fwd_f32");
        MemorySegment arguments = arena.allocate(24, 8); // x, y, n = 0: nothing to do
        parameters = arena.allocateFrom(ValueLayout.JAVA_LONG, arguments.address());
        driver.captureBegin(stream);
        fromJava();
        long recorded = driver.captureEnd(stream);
        graph = driver.graphInstantiate(recorded);
        driver.graphDestroy(recorded);
        launchKernel = CudaLibraries.ofThisMachine().require(Library.CUDA).symbols().findOrThrow("cuLaunchKernel");
        loop = Linker.nativeLinker().downcallHandle(NativeLibraries.open("sparsercnn").findOrThrow("launch_loop"),
                FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG,
                        ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
    }

    @TearDown
    public void close() {
        driver.graphExecDestroy(graph);
        driver.moduleUnload(module);
        driver.streamDestroy(stream);
        driver.primaryContextRelease(0);
        arena.close();
    }

    /** JMH may call from another thread than the one that set up. */
    @Setup(Level.Iteration)
    public void bind() {
        driver.setCurrent(context);
    }

    private void fromJava() {
        for (int i = 0; i < LAUNCHES; i++) {
            driver.launch(function, 1, 32, 0, stream, parameters.address());
        }
    }

    @Benchmark
    @OperationsPerInvocation(LAUNCHES)
    public void java() {
        fromJava();
        driver.streamSynchronize(stream);
    }

    @Benchmark
    @OperationsPerInvocation(LAUNCHES)
    public long c() throws Throwable {
        long error = (long) loop.invokeExact(launchKernel, function, stream, parameters, (long) LAUNCHES);
        driver.streamSynchronize(stream);
        return error;
    }

    @Benchmark
    @OperationsPerInvocation(LAUNCHES)
    public void graph() {
        driver.graphLaunch(graph, stream);
        driver.streamSynchronize(stream);
    }
}
