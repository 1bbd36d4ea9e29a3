package org.sparsercnn.benchmarks;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.sparsercnn.ffi.NativeLibraries;

/** What one call into native code costs, beside the smallest BLAS call: the floor under every kernel launch. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"})
public class DowncallBenchmark {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle TRIVIAL = LINKER.downcallHandle(
            NativeLibraries.open("openblas").findOrThrow("openblas_get_parallel"), FunctionDescriptor.of(ValueLayout.JAVA_INT));
    private static final MethodHandle SDOT = LINKER.downcallHandle(NativeLibraries.open("openblas").findOrThrow("cblas_sdot"),
            FunctionDescriptor.of(ValueLayout.JAVA_FLOAT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS, ValueLayout.JAVA_INT));

    private final MemorySegment vector = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3, 4);

    @Benchmark
    public int trivialCall() throws Throwable {
        return (int) TRIVIAL.invokeExact();
    }

    @Benchmark
    public float dotOfFour() throws Throwable {
        return (float) SDOT.invokeExact(4, vector, 1, vector, 1);
    }
}
