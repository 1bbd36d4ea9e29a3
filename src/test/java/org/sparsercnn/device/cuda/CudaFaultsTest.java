package org.sparsercnn.device.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.device.Buffer;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.device.Convolution;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Readback;
import org.sparsercnn.device.Recording;
import org.sparsercnn.device.cuda.NullDriver.Pace;
import org.sparsercnn.ffi.cuda.CudaException;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.util.BadInput;

/** What a user is told when the GPU is full, fails or vanishes, and that the program goes on, or ends, in order. */
class CudaFaultsTest {
    private static final Kernel RELU = Kernel.of("relu_fwd_f32", "x y n");
    private static final long MB = 1L << 20;

    @Test
    void outOfMemorySaysWhereItIsAndWhatToLower() {
        try (NullGpu gpu = NullGpu.of(new NullDriver(256 * MB, Pace.AT_ONCE), true)) {
            List<Buffer> held = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                held.add(gpu.device.allocate(60 * MB));
            }
            held.add(gpu.device.allocate(5 * MB));
            assertThatThrownBy(() -> gpu.device.allocate(50 * MB)).isInstanceOf(BadInput.class)
                    .hasMessageContaining("cuda:0 (Null GPU").hasMessageContaining("50 MB wanted, 185 MB in use (the largest: 3 x 60 MB, 1 x 5 MB)")
                    .hasMessageContaining("44 MB free on the card").hasMessageContaining(", 0 KB taken by other processes")
                    .hasMessageContaining("SOLVER.IMS_PER_BATCH").hasMessageContaining("INPUT.MIN_SIZE_TRAIN")
                    .hasMessageContaining("MODEL.SparseRCNN.NUM_PROPOSALS").hasMessageContaining("SOLVER.AMP.ENABLED");
            gpu.device.free(held.removeFirst());
            held.add(gpu.device.allocate(50 * MB)); // and everything goes on
            held.forEach(gpu.device::free);
            assertThat(gpu.device.memory().inUse()).isZero();
        }
    }

    @Test
    void whatIsHeldForReuseIsReturnedBeforeMemoryRunsOut() {
        try (NullGpu gpu = NullGpu.of(new NullDriver(256 * MB, Pace.LATE), true)) {
            for (int i = 0; i < 3; i++) {
                Buffer a = gpu.device.allocate(70 * MB);
                Buffer b = gpu.device.allocate(80 * MB);
                gpu.device.free(a);
                gpu.device.free(b);
                gpu.device.free(gpu.device.allocate(200 * MB));
            }
            assertThat(gpu.device.memory().reserved()).isLessThanOrEqualTo(256 * MB);
        }
    }

    @Test
    void recordedWorkThatNeedsMoreThanTheGpuHasSaysSo() {
        try (NullGpu gpu = NullGpu.of(new NullDriver(256 * MB, Pace.AT_ONCE), true)) {
            assertThatThrownBy(() -> gpu.device.record(() -> gpu.device.free(gpu.device.allocate(300 * MB)))).isInstanceOf(BadInput.class)
                    .hasMessageContaining("Out of memory");
            gpu.device.free(gpu.device.allocate(200 * MB));
            assertThat(gpu.device.memory().inUse()).isZero();
        }
    }

    @Test
    void noPinnedMemoryIsTheHostsAffair() {
        try (NullGpu gpu = NullGpu.of(new NullDriver(1L << 30, Pace.AT_ONCE) {
            @Override
            public long hostAlloc(long bytes) {
                return 0;
            }
        }, true)) {
            assertThatThrownBy(() -> Tensor.of(gpu.device, new float[10], 10)).isInstanceOf(BadInput.class).hasMessageContaining("memory to pin");
        }
    }

    @ParameterizedTest
    @CsvSource({"999, stopped answering", "46, stopped answering", "719, invalid access", "700, invalid access", "716, invalid access",
        "214, hardware error", "702, time limit", "709, reset"})
    void aFailureIsToldInPlainWordsAndForGood(int code, String words) {
        NullGpu gpu = NullGpu.of(Pace.LATE);
        Tensor x = Tensor.of(gpu.device, new float[] {1, 2}, 2);
        Recording recording = gpu.device.record(() -> gpu.device.zero(x, 8)).orElseThrow();
        Readback readback = gpu.device.read(x, 8);
        gpu.driver.fail("launch", code);
        assertThatThrownBy(() -> gpu.device.kernel(RELU).ptr(x).ptr(x).i64(2).overElements(2)).isInstanceOf(BadInput.class)
                .hasMessageContaining(words).hasMessageContaining("cuda:0 (Null GPU").hasMessageContaining("(" + code + ")")
                .hasCauseInstanceOf(CudaException.class);
        var shape = new Convolution(1, 1, 1, 1, 1, 1, 1, 1, 0, DType.F32);
        List<Runnable> everything = List.of(() -> gpu.device.allocate(1), () -> gpu.device.copyIn(MemorySegment.ofArray(new byte[1]), x),
                () -> gpu.device.copyOut(x, MemorySegment.ofArray(new byte[1])), () -> gpu.device.copy(x, x, 4), () -> gpu.device.zero(x, 4),
                () -> gpu.device.read(x, 4), () -> gpu.device.has(RELU), () -> gpu.device.kernel(RELU).ptr(x).ptr(x).i64(2).overRows(2),
                () -> gpu.device.gemm(Gemm.dense(false, false, 1, 1, 1, x, x, x)), () -> gpu.device.convolution(shape, x, x, Epilogue.NONE, x),
                () -> gpu.device.convolutionBackwardData(shape, x, x, x), () -> gpu.device.convolutionBackwardWeight(shape, x, x, x),
                () -> gpu.device.record(() -> {}), gpu.device::synchronize, recording::replay, readback::await, readback::isDone);
        for (Runnable call : everything) {
            assertThatThrownBy(call::run).isInstanceOf(BadInput.class).hasMessageContaining(words);
        }
        assertThatCode(() -> {
            readback.close();
            recording.close();
            x.release();
            gpu.close();
        }).doesNotThrowAnyException();
    }

    /** Errors of kernels show in whatever is called next. */
    @ParameterizedTest
    @ValueSource(strings = {"memAlloc", "copyToDevice", "copyToHost", "copyOnDevice", "fill", "eventRecord", "eventQuery", "eventSynchronize",
        "streamSynchronize", "moduleFunction", "library", "graphLaunch", "streamWaitEvent"})
    void wheneverItIsNoticed(String call) {
        NullGpu gpu = NullGpu.of(Pace.LATE);
        Tensor x = Tensor.of(gpu.device, new float[64], 64);
        Recording recording = gpu.device.record(() -> gpu.device.copy(x, x, 4)).orElseThrow();
        gpu.driver.fail(call, 700);
        assertThatThrownBy(() -> {
            gpu.device.free(gpu.device.allocate(100 * MB));
            Tensor large = Tensor.of(gpu.device, new float[500_000], 500_000);
            large.release();
            gpu.device.kernel(RELU).ptr(x).ptr(x).i64(64).overElements(64);
            gpu.device.gemm(Gemm.dense(false, false, 2, 2, 2, x, x, x));
            gpu.device.zero(x, 4);
            recording.replay();
            x.set(new float[64]);
            x.toFloats();
            gpu.device.synchronize();
        }).isInstanceOf(BadInput.class).hasMessageContaining("invalid access");
        x.release();
        recording.close();
        gpu.close();
        assertThat(gpu.driver.calls()).extracting(NullDriver.Call::name).contains("primaryContextRelease");
    }

    /** A library says little; what the driver then says of the context is the reason. */
    @Test
    void behindALibrarysFailureStandsTheDrivers() {
        NullGpu gpu = NullGpu.of(new NullDriver(1L << 30, Pace.AT_ONCE) {
            @Override
            void enqueue(long stream, String what, Runnable run) {
                fail("memoryFree", 719);
                throw new CudaException("cuBLAS", "cublasLtMatmul", 13, "CUBLAS_STATUS_EXECUTION_FAILED", "the GPU program failed to execute");
            }
        }, true);
        Tensor x = Tensor.of(gpu.device, new float[64], 64);
        assertThatThrownBy(() -> gpu.device.gemm(Gemm.dense(false, false, 2, 2, 2, x, x, x))).isInstanceOf(BadInput.class)
                .hasMessageContaining("invalid access").hasMessageContaining("719");
        x.release();
        gpu.close();
    }

    @Test
    void aFailureThatIsNotTheGpusPassesThrough() {
        try (NullGpu gpu = NullGpu.of(Pace.AT_ONCE)) {
            Tensor x = Tensor.of(gpu.device, new float[64], 64);
            gpu.driver.fail("launch", 1);
            assertThatThrownBy(() -> gpu.device.kernel(RELU).ptr(x).ptr(x).i64(64).overElements(64)).isInstanceOf(CudaException.class);
            gpu.device.kernel(RELU).ptr(x).ptr(x).i64(64).overElements(64);
            x.release();
        }
    }

    @ParameterizedTest
    @CsvSource({"primaryContextRetain, 2, memory is full", "streamCreate, 46, Another process", "moduleLoad, 209, newer driver", "setCurrent, 3, dmesg"})
    void aGpuThatCannotBeOpenedSaysWhyAndLeavesNothing(String call, int code, String words) {
        NullDriver driver = new NullDriver(1L << 30, Pace.AT_ONCE);
        driver.fail(call, code);
        assertThatThrownBy(() -> NullGpu.of(driver, true)).isInstanceOf(BadInput.class).hasMessageContaining("cuda:0 (Null GPU)")
                .hasMessageContaining(words);
        assertThat(driver.alive()).isEqualTo(Map.of());
    }

    @Test
    void aMissingLibraryLeavesNothing() {
        NullDriver driver = new NullDriver(1L << 30, Pace.AT_ONCE);
        assertThatThrownBy(() -> CudaDevices.open(new CudaProvider(driver, () -> {
            throw new BadInput("no cuBLASLt");
        }, () -> null, MemorySegment.NULL), new CudaOptions(0, false, false))).isInstanceOf(BadInput.class).hasMessage("no cuBLASLt");
        assertThat(driver.alive()).isEqualTo(Map.of());
    }

    @Test
    void devicesAreListedAndAskedForByNumber() {
        CudaDevices devices = new CudaDevices(new NullDriver(1L << 30, Pace.AT_ONCE));
        assertThat(devices.list()).containsExactly(new CudaDevices.Gpu(0, "Null GPU", 90, 1L << 30, "0000:00:00.0"),
                new CudaDevices.Gpu(1, "Null GPU", 90, 1L << 30, "0000:01:00.0"));
        assertThatThrownBy(() -> devices.open(new CudaOptions(7, false, false))).isInstanceOf(BadInput.class).hasMessageContaining("cuda:7")
                .hasMessageContaining("cuda:1 (Null GPU)");
    }
}
