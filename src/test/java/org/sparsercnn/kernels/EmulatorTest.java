package org.sparsercnn.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.device.Buffer;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/** The emulator catches every mistake of {@code native/emulator/selftest.cpp}, and finds none in the sound kernels there. */
class EmulatorTest {
    private static final int BLOCKS = 3;
    private static final int N = 100;

    @BeforeEach
    void needsTheLibrary() {
        assumeTrue(EmulatedDevice.isBuilt(), "no emulated kernels: native/build.sh makes them");
    }

    @Test
    void soundKernelsGiveTheSameInEveryOrder() {
        for (Schedule s : schedules()) {
            float[] y = run("selftest_sound", s);
            float[] sums = run("selftest_reduction", s);
            float[] copies = run("selftest_copies", s);
            for (int i = 0; i < BLOCKS * N; i++) {
                assertThat(y[i]).isEqualTo(3f * (N - 1 - i % N));
                assertThat(copies[i]).isEqualTo(N - 1 - i % N);
                assertThat(sums[i]).isEqualTo(N * (N - 1) / 2f + mostInAThread(s.threads()));
            }
        }
    }

    /** Layouts as in the PTX ISA: twice the product of two small matrices. */
    @Test
    void tilesAreMultipliedAsOnTensorCores() {
        for (Schedule s : schedules()) {
            float[] y = run("selftest_tiles", s);
            for (int i = 0; i < BLOCKS * N; i++) {
                int row = i % N / 16;
                int column = i % N % 16;
                int sum = 0;
                for (int k = 0; k < 16; k++) {
                    sum += (3 * row + k) % 7 * ((k + 5 * column) % 5);
                }
                assertThat(y[i]).isEqualTo(2 * sum);
            }
        }
    }

    private static float mostInAThread(int threads) {
        float[] sums = new float[threads];
        for (int i = 0; i < N; i++) {
            sums[i % threads] += i;
        }
        float most = sums[0];
        for (float sum : sums) {
            most = Math.max(most, sum);
        }
        return most;
    }

    /** Nothing stops such a kernel; its results give it away, by NaN or by differing between orders. */
    @ParameterizedTest
    @ValueSource(strings = {"selftest_no_barrier_before_reading", "selftest_no_barrier_before_writing_again", "selftest_hasty_reductions",
            "selftest_reads_unwritten_shared_memory", "selftest_leaves_the_last_element", "selftest_reads_another_block",
            "selftest_copies_without_a_barrier", "selftest_copies_over_what_is_read"})
    void wrongResultsShow(String kernel) {
        for (int threads : new int[] {64, 256}) {
            List<float[]> results = new ArrayList<>();
            Schedule.all(threads).forEach(s -> results.add(run(kernel, s)));
            boolean nan = results.stream().anyMatch(y -> {
                for (float v : y) {
                    if (Float.isNaN(v)) return true;
                }
                return false;
            });
            assertThat(nan || results.stream().anyMatch(y -> !Arrays.equals(y, results.getFirst()))).as(kernel + ", " + threads).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            barrier_for_one                  | barrier of selftest.cpp:# and waits for the whole block, but thread 1 has ended
            barrier_in_both_branches         | barrier of selftest.cpp:# and waits for the whole block, but thread 48 stands at the barrier
            sum_in_a_loop_of_unequal_length  | thread 0 stands at the shuffle of target_cuda.cuh:# and waits for the lanes of its mask
            shuffle_without_lane_5           | shuffle of selftest.cpp:# and waits for the lanes of its mask, but thread 5 has ended
            shuffle_from_an_unnamed_lane     | shuffle of selftest.cpp:# reading from lane 16, which its mask does not name
            tiles_without_lane_7             | ldmatrix of mma.cuh:# and waits for the lanes of its mask, but thread 7 has ended
            tiles_from_global_memory         | ldmatrix of mma.cuh:# with a row that is not 16 aligned bytes of shared memory
            copies_not_waited_for            | ended before 1 asynchronous copies of a thread had arrived
            vector_at_an_odd_address         | 16 bytes at an address that is not a multiple of 16
            past_the_memory_of_the_launch    | wrote past the end of shared memory of the launch
            of_blocks_of_64                  | written for blocks of 64 threads
            writes_past_shared_memory        | wrote past the end of shared values
            writes_past_the_end              | wrote byte 1200 of a buffer of 1200
            """)
    void mistakesStopTheKernelWithAReason(String kernel, String reason) {
        for (Schedule s : Schedule.all(96)) {
            assertThatThrownBy(() -> run("selftest_" + kernel, s)).as(s.toString()).isInstanceOf(AssertionError.class)
                    .satisfies(e -> assertThat(e.getMessage().replaceAll(":\\d+", ":#")).startsWith("selftest_" + kernel).contains(reason));
        }
    }

    @Test
    void blockSizesAreWholeWarps() {
        assertThatThrownBy(() -> run("selftest_sound", new Schedule(Schedule.Order.FORWARD, 0, 48))).hasMessageContaining("32, 64");
    }

    @Test
    void memoryThatIsNotHeldIsNotPointedTo() {
        try (var device = new EmulatedDevice(Schedule.all(32).getFirst())) {
            Buffer x = device.allocate(4 * N);
            Buffer y = device.allocate(4 * N);
            device.free(x);
            Kernel relu = Kernel.of("relu_fwd_f32", "x y n");
            assertThatThrownBy(() -> device.kernel(relu).ptr(x).ptr(y).i64(N).overElements(N))
                    .hasMessage("relu_fwd_f32: x points to memory that is not held");
            device.free(y);
        }
    }

    private static List<Schedule> schedules() {
        List<Schedule> all = new ArrayList<>();
        for (int threads : new int[] {32, 96, 256, 1024}) {
            all.addAll(Schedule.all(threads));
        }
        return all;
    }

    /** x = 0, 1, …, N-1; y as every block wrote its N elements. */
    private static float[] run(String kernel, Schedule schedule) {
        try (var device = new EmulatedDevice(schedule)) {
            float[] values = new float[N];
            for (int i = 0; i < N; i++) {
                values[i] = i;
            }
            Tensor x = Tensor.of(device, values, N);
            Tensor y = Tensor.allocate(device, DType.F32, Shape.of(BLOCKS, N));
            try {
                device.kernel(Kernel.of(kernel, "x y n")).ptr(x).ptr(y).i64(N).overRows(BLOCKS);
                return y.toFloats();
            } finally {
                x.release();
                y.release();
            }
        }
    }
}
