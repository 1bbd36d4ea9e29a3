package org.sparsercnn.device.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparsercnn.device.Buffer;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Readback;
import org.sparsercnn.device.cuda.NullDriver.Launched;
import org.sparsercnn.device.cuda.NullDriver.Pace;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/** Memory, copies and launches of the CUDA device, on the null driver. */
class CudaDeviceTest {
    private static final Kernel RELU = Kernel.of("relu_fwd_f32", "x y n");

    @Test
    void itsNameSaysWhatItIs() {
        try (NullGpu gpu = NullGpu.of(Pace.AT_ONCE)) {
            assertThat(gpu.device.name()).isEqualTo("cuda:0 (Null GPU, sm_90, 4 GiB, CUDA 13.0)");
            assertThat(gpu.device.computesIn(DType.F32)).isTrue();
            assertThat(gpu.device.computesIn(DType.BF16)).isTrue();
            assertThat(gpu.device.computesIn(DType.I32)).isFalse();
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatGoesInComesOut(Pace pace) {
        try (NullGpu gpu = NullGpu.of(pace)) {
            for (int n : new int[] {0, 1, 3, 1000, 100_000, 3_000_001}) {
                float[] values = new float[n];
                for (int i = 0; i < n; i++) {
                    values[i] = i * 0.5f - 7;
                }
                Tensor t = Tensor.of(gpu.device, values, n);
                float[] before = values.clone();
                java.util.Arrays.fill(values, -1); // the host memory may be changed once set returns
                assertThat(t.toFloats()).isEqualTo(before);
                t.release();
            }
            assertThat(gpu.device.memory().inUse()).isZero();
        }
    }

    /** Large pieces cross on a stream of their own: they must neither overtake readers of the old values nor be overtaken. */
    @ParameterizedTest
    @EnumSource
    void copiesKeepTheOrderOfTheComputeStream(Pace pace) {
        int n = 500_000;
        try (NullGpu gpu = NullGpu.of(pace)) {
            Tensor x = Tensor.allocate(gpu.device, DType.F32, Shape.of(n));
            List<Tensor> results = new ArrayList<>();
            for (int step = 0; step < 12; step++) {
                float[] values = new float[n];
                java.util.Arrays.fill(values, step);
                x.set(values);
                Tensor y = Tensor.allocate(gpu.device, DType.F32, Shape.of(n));
                gpu.device.kernel(RELU).ptr(x).ptr(y).i64(n).overElements(n);
                results.add(y);
            }
            assertThat(gpu.device.hostWaits()).isZero();
            for (int step = 0; step < results.size(); step++) {
                float[] got = results.get(step).toFloats();
                assertThat(got[0]).isEqualTo(step);
                assertThat(got[n - 1]).isEqualTo(step);
                results.get(step).release();
            }
            x.release();
        }
    }

    @Test
    void theHostWaitsOnlyWhereTheStagingMemoryIsFull() {
        try (NullGpu gpu = NullGpu.of(Pace.LATE)) {
            Buffer to = gpu.device.allocate(1L << 20);
            MemorySegment host = MemorySegment.ofArray(new long[1 << 17]);
            for (int i = 0; i < 256; i++) {
                gpu.device.copyIn(host, to);
            }
            assertThat(gpu.device.hostWaits()).isZero();
            for (int i = 0; i < 40; i++) {
                gpu.device.copyIn(host, to);
            }
            assertThat(gpu.device.hostWaits()).isPositive();
            gpu.device.free(to);
        }
    }

    @Test
    void whatWasStagedIsUsedAgain() {
        try (NullGpu gpu = NullGpu.of(Pace.AT_ONCE)) {
            Buffer to = gpu.device.allocate(1L << 20);
            MemorySegment host = MemorySegment.ofArray(new long[1 << 17]);
            for (int i = 0; i < 200; i++) {
                gpu.device.copyIn(host, to);
            }
            assertThat(gpu.driver.count("hostAlloc")).isEqualTo(1);
            assertThat(gpu.driver.count("memAlloc")).isEqualTo(2);
            assertThat(gpu.driver.count("eventCreate")).isEqualTo(1);
            gpu.device.free(to);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aReadbackHasWhatWasThereWhenItWasAskedFor(Pace pace) {
        try (NullGpu gpu = NullGpu.of(pace)) {
            Tensor t = Tensor.of(gpu.device, new float[] {1, 2, 3}, 3);
            Readback first = gpu.device.read(t, 12);
            t.set(new float[] {4, 5, 6});
            Readback second = gpu.device.read(t, 12);
            t.release();
            Tensor other = Tensor.of(gpu.device, new float[] {7, 8, 9}, 3);
            assertThat(gpu.device.hostWaits()).isZero();
            assertThat(second.await().toArray(ValueLayout.JAVA_FLOAT)).containsExactly(4, 5, 6);
            assertThat(second.isDone()).isTrue();
            assertThat(first.await().toArray(ValueLayout.JAVA_FLOAT)).containsExactly(1, 2, 3);
            assertThat(gpu.device.hostWaits()).isLessThanOrEqualTo(1);
            first.close();
            first.close();
            second.close();
            assertThatThrownBy(second::await).isInstanceOf(IllegalStateException.class);
            gpu.device.read(other, 12).close();
            other.release();
        }
    }

    @Test
    void askingForAReadbackAgainAndAgainComesToAnEnd() {
        try (NullGpu gpu = NullGpu.of(Pace.LATE)) {
            Tensor t = Tensor.of(gpu.device, new float[] {1}, 1);
            try (Readback readback = gpu.device.read(t, 4)) {
                assertThat(readback.isDone()).isFalse();
                while (!readback.isDone()) {
                    Thread.onSpinWait();
                }
                assertThat(readback.await().get(ValueLayout.JAVA_FLOAT, 0)).isEqualTo(1);
            }
            assertThat(gpu.device.hostWaits()).isZero();
            t.release();
        }
    }

    @Test
    void waitsAreCounted() {
        try (NullGpu gpu = NullGpu.of(Pace.LATE)) {
            Tensor t = Tensor.of(gpu.device, new float[] {1}, 1);
            gpu.device.zero(t, 4);
            gpu.device.copy(t, t, 4);
            gpu.device.synchronize();
            assertThat(gpu.device.hostWaits()).isEqualTo(1);
            t.item();
            assertThat(gpu.device.hostWaits()).isEqualTo(2);
            try (Readback readback = gpu.device.read(t, 4)) {
                readback.await();
            }
            assertThat(gpu.device.hostWaits()).isEqualTo(3);
            t.release();
        }
    }

    // Launches

    @Test
    void launchesHaveTheGeometryThatKernelsAreWrittenFor() {
        try (NullGpu gpu = NullGpu.of(Pace.AT_ONCE)) {
            Tensor x = Tensor.of(gpu.device, new float[600], 100, 6);
            gpu.device.kernel(RELU).ptr(x).ptr(x).i64(600).overElements(600);
            gpu.device.kernel(RELU).ptr(x.narrow(0, 1, 9)).ptr(null).i64(0).overRows(100);
            gpu.device.kernel(RELU).ptr(x).ptr(x).i64(600).overBlocks(7, 128, 1024);
            gpu.device.kernel(RELU).ptr(x).ptr(x).i64(0).overElements(0);
            gpu.device.kernel(RELU).ptr(x).ptr(x).i64(600).overElements(600_000_000L);
            List<Launched> launches = gpu.driver.launches();
            assertThat(launches).extracting(Launched::blocks).containsExactly(3, 100, 7, 4 * 16);
            assertThat(launches).extracting(Launched::threads).containsExactly(256, 256, 128, 256);
            assertThat(launches.get(1).arguments()).containsExactly(x.address() + 24, 0, 0);
            assertThat(launches).extracting(Launched::stream).containsOnly(launches.getFirst().stream());
            x.release();
        }
    }

    @Test
    void muchSharedMemoryIsAskedForOnce() {
        try (NullGpu gpu = NullGpu.of(Pace.AT_ONCE)) {
            Tensor x = Tensor.of(gpu.device, new float[32], 32);
            for (int bytes : new int[] {40 << 10, 100 << 10, 100 << 10, 60 << 10, 200 << 10}) {
                gpu.device.kernel(RELU).ptr(x).ptr(x).i64(32).overBlocks(1, 32, bytes);
            }
            assertThat(gpu.driver.calls()).filteredOn(c -> c.name().equals("functionSetAttribute")).hasSize(2);
            assertThatThrownBy(() -> gpu.device.kernel(RELU).ptr(x).ptr(x).i64(32).overBlocks(1, 32, 228 << 10))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("relu_fwd_f32").hasMessageContaining("shared memory");
            x.release();
        }
    }

    @Test
    void whatNoGpuCanLaunchIsRefused() {
        try (NullGpu gpu = NullGpu.of(Pace.AT_ONCE)) {
            for (int threads : new int[] {0, 48, 2048}) {
                assertThatThrownBy(() -> gpu.device.kernel(RELU).i64(0).i64(0).i64(0).overBlocks(1, threads, 0))
                        .isInstanceOf(IllegalArgumentException.class);
            }
            assertThatThrownBy(() -> gpu.device.kernel(RELU).i64(0).i64(0).i64(0).overRows(1L << 31))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("2147483648 blocks");
            assertThatThrownBy(() -> gpu.device.kernel(Kernel.of("no_such_f32", "x")).i64(0).overRows(1))
                    .isInstanceOf(IllegalStateException.class).hasMessageContaining("no_such_f32");
        }
    }

    @Test
    void kernelsThatAddAtomicallyAreNotForEqualResults() {
        try (NullGpu gpu = NullGpu.of(new NullDriver(1L << 30, Pace.AT_ONCE), new CudaOptions(0, false, true))) {
            assertThat(gpu.device.has(RELU)).isTrue();
            assertThat(gpu.device.has(Kernel.of("no_such_f32", "x"))).isFalse();
            assertThat(gpu.device.has(Kernel.of("some_atomic_f32", "x"))).isFalse();
            assertThat(gpu.driver.calls()).as("not even asked for").noneMatch(c -> c.detail().contains("some_atomic"));
        }
    }

    @Test
    void aLaunchMakesNoGarbage() {
        try (NullGpu gpu = NullGpu.of(Pace.AT_ONCE)) {
            Tensor x = Tensor.of(gpu.device, new float[32], 32);
            launchMany(gpu, x, 1);
            gpu.driver.idle();
            launchMany(gpu, x, 20_000);
            assertThat(Garbage.leastOf(() -> launchMany(gpu, x, 10_000))).isZero();
            x.release();
        }
    }

    private static void launchMany(NullGpu gpu, Tensor x, int times) {
        for (int i = 0; i < times; i++) {
            gpu.device.kernel(RELU).ptr(x).ptr(x).i64(32).overElements(32);
            gpu.device.kernel(RELU).ptr(x).ptr(x).i64(32).overRows(1);
            gpu.device.kernel(RELU).ptr(x).ptr(x).i64(32).overBlocks(1, 64, 0);
        }
    }

    // The device as a whole

    @Test
    void everyThreadGetsTheContext() throws InterruptedException {
        NullDriver driver = new NullDriver(1L << 30, Pace.AT_ONCE);
        try (NullGpu first = NullGpu.of(driver, new CudaOptions(0, false, false)); NullGpu second = NullGpu.of(driver, new CudaOptions(1, false, false))) {
            Tensor a = Tensor.of(first.device, new float[] {1}, 1);
            Tensor b = Tensor.of(second.device, new float[] {2}, 1);
            a.set(new float[] {3});
            List<Float> seen = new ArrayList<>();
            Thread other = new Thread(() -> {
                seen.add(a.item());
                seen.add(a.item());
            });
            other.start();
            other.join();
            assertThat(seen).containsExactly(3f, 3f);
            assertThat(driver.calls()).filteredOn(c -> c.name().equals("setCurrent")).extracting(c -> c.detail())
                    .containsExactly("1000", "1001", "1000", "1001", "1000", "1000");
            a.release();
            b.release();
        }
        assertThat(driver.alive()).isEmpty();
        assertThat(driver.leftBehind()).isZero();
    }

    @Test
    void closingGivesEverythingBack() {
        NullGpu gpu = NullGpu.of(Pace.LATE);
        Random random = new Random(1);
        for (int i = 0; i < 200; i++) {
            int n = random.nextInt(200_000);
            Tensor.of(gpu.device, new float[n], n).release();
        }
        Tensor kept = Tensor.of(gpu.device, new float[100_000], 100_000);
        gpu.device.read(kept, 400).isDone();
        gpu.close();
        gpu.close();
        assertThat(gpu.driver.alive()).isEqualTo(Map.of());
        assertThat(gpu.driver.leftBehind()).isZero();
        kept.release(); // whoever still holds a tensor may let go
        assertThatThrownBy(() -> gpu.device.allocate(1)).isInstanceOf(IllegalStateException.class).hasMessageContaining("closed");
    }

    @Test
    void freeingTwiceIsADefectThatShows() {
        try (NullGpu gpu = NullGpu.of(Pace.AT_ONCE)) {
            Buffer buffer = gpu.device.allocate(100);
            gpu.device.free(buffer);
            assertThatThrownBy(() -> gpu.device.free(buffer)).isInstanceOf(IllegalStateException.class).hasMessageContaining("freed twice");
        }
    }

    @Test
    void manyBuffersAtATime() {
        try (NullGpu gpu = NullGpu.of(Pace.AT_ONCE)) {
            Random random = new Random(2);
            List<Buffer> buffers = new ArrayList<>();
            for (int i = 0; i < 30_000; i++) {
                if (random.nextInt(3) > 0) {
                    buffers.add(gpu.device.allocate(random.nextInt(3000)));
                } else if (!buffers.isEmpty()) {
                    gpu.device.free(buffers.remove(random.nextInt(buffers.size())));
                }
            }
            assertThat(buffers).extracting(Buffer::address).doesNotHaveDuplicates();
            buffers.forEach(gpu.device::free);
            assertThat(gpu.device.memory().inUse()).isZero();
            assertThat(gpu.device.memory().peak()).isPositive();
        }
    }
}
