package org.sparsercnn.device.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Buffer;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Readback;
import org.sparsercnn.device.Recording;
import org.sparsercnn.device.cuda.NullDriver.Pace;
import org.sparsercnn.op.Linear;
import org.sparsercnn.op.Relu;
import org.sparsercnn.op.Softmax;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/** Recorded work does the same when it is replayed, in memory of its own, and what cannot be recorded says why. */
class CudaRecordingTest {
    /** softmax(relu(x W^T + b)) with the memory such a pass takes on the way. */
    private static final class Network implements AutoCloseable {
        final CudaDevice device;
        final Tensor x;
        final Tensor w;
        final Tensor y;

        Network(CudaDevice device) {
            this.device = device;
            float[] weights = new float[64 * 64];
            for (int i = 0; i < weights.length; i++) {
                weights[i] = (i * 37 % 101 - 50) / 100f;
            }
            x = Tensor.allocate(device, DType.F32, Shape.of(10, 64));
            w = Tensor.of(device, weights, 64, 64);
            y = Tensor.allocate(device, DType.F32, Shape.of(10, 64));
            input(0);
        }

        void input(int step) {
            float[] values = new float[640];
            for (int i = 0; i < values.length; i++) {
                values[i] = (i * 13 % 29 - 14) / 10f + step;
            }
            x.set(values);
        }

        void run() {
            try (Tape tape = Tape.inference(device)) {
                Variable hidden = Relu.apply(tape, Linear.apply(tape, Variable.constant(x), Variable.constant(w), null, true));
                y.copyFrom(Softmax.apply(tape, hidden).value());
            }
        }

        @Override
        public void close() {
            List.of(x, w, y).forEach(Tensor::release);
        }
    }

    @ParameterizedTest
    @EnumSource
    void replayedWorkDoesTheSameOnNewNumbers(Pace pace) {
        try (NullGpu gpu = NullGpu.of(pace); Network n = new Network(gpu.device)) {
            n.run();
            List<float[]> wanted = new ArrayList<>();
            for (int step = 0; step < 3; step++) {
                n.input(step);
                n.run();
                wanted.add(n.y.toFloats());
            }
            n.input(0);
            long launches = gpu.driver.launches().size();
            Recording recording = gpu.device.record(n::run).orElseThrow();
            assertThat(gpu.driver.launches().size()).isGreaterThan((int) launches);
            assertThat(n.y.toFloats()).as("recording does the work").isEqualTo(wanted.get(0));
            long calls = gpu.driver.launches().size();
            for (int step = 0; step < 3; step++) {
                n.input(step);
                recording.replay();
                assertThat(n.y.toFloats()).isEqualTo(wanted.get(step));
            }
            assertThat(gpu.driver.launches().size()).as("a replay is one call").isEqualTo((int) calls);
            recording.close();
            recording.close();
            assertThatThrownBy(recording::replay).isInstanceOf(IllegalStateException.class).hasMessageContaining("closed");
        }
    }

    /** Other work between replays takes memory and spoils it; what a recording works in is not among it. */
    @ParameterizedTest
    @EnumSource
    void aRecordingsMemoryIsItsOwn(Pace pace) {
        try (NullGpu gpu = NullGpu.of(pace); Network n = new Network(gpu.device)) {
            n.run();
            float[] wanted = n.y.toFloats();
            long before = gpu.device.memory().inUse();
            List<Recording> recordings = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                recordings.add(gpu.device.record(n::run).orElseThrow());
            }
            assertThat(gpu.device.memory().inUse()).isGreaterThan(before);
            for (Recording recording : recordings) {
                List<Buffer> others = new ArrayList<>();
                for (int i = 0; i < 200; i++) {
                    Buffer b = gpu.device.allocate(10 * 64 * 4);
                    gpu.device.zero(b, b.bytes());
                    others.add(b);
                }
                recording.replay();
                List<Readback> readbacks = others.stream().map(b -> gpu.device.read(b, b.bytes())).toList();
                assertThat(n.y.toFloats()).isEqualTo(wanted);
                for (Readback r : readbacks) {
                    assertThat(r.await().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE)).containsOnly(0);
                    r.close();
                }
                others.forEach(gpu.device::free);
            }
            recordings.forEach(Recording::close);
            assertThat(gpu.device.memory().inUse()).isEqualTo(before);
        }
    }

    @Test
    void whatTheWorkMadeMayOutliveIt() {
        try (NullGpu gpu = NullGpu.of(Pace.LATE)) {
            Tensor x = Tensor.of(gpu.device, new float[] {-1, 2}, 2);
            long before = gpu.device.memory().inUse();
            for (boolean recordingFirst : new boolean[] {true, false}) {
                Tape tape = Tape.inference(gpu.device);
                Variable[] y = new Variable[1];
                Recording recording = gpu.device.record(() -> y[0] = Relu.apply(tape, Variable.constant(x))).orElseThrow();
                x.set(new float[] {3, -4});
                recording.replay();
                assertThat(y[0].value().toFloats()).containsExactly(3, 0);
                if (recordingFirst) {
                    recording.close();
                    tape.close();
                } else {
                    tape.close();
                    recording.close();
                }
                assertThat(gpu.device.memory().inUse()).isEqualTo(before);
            }
            x.release();
        }
    }

    /** While it is captured the driver gives no memory; where a pass wants more than lies cached, it is begun again with more. */
    @ParameterizedTest
    @ValueSource(ints = {1, 12, 18})
    void memoryThatIsNotThereIsFetchedBetweenAttempts(int megabytes) {
        try (NullGpu gpu = NullGpu.of(Pace.LATE)) {
            long bytes = (long) megabytes << 20;
            Tensor x = Tensor.of(gpu.device, new float[] {5}, 1);
            int[] attempts = new int[1];
            Recording recording = gpu.device.record(() -> {
                attempts[0]++;
                List<Buffer> made = new ArrayList<>();
                try {
                    for (int i = 0; i < 5; i++) {
                        made.add(gpu.device.allocate(bytes));
                        gpu.device.copy(x, made.getLast()::address, 4);
                    }
                    gpu.device.zero(x, 4);
                    gpu.device.copy(made.getLast()::address, x, 4);
                } finally {
                    made.forEach(gpu.device::free);
                }
            }).orElseThrow();
            assertThat(attempts[0]).isBetween(2, 6);
            assertThat(x.item()).isEqualTo(5);
            assertThat(gpu.driver.alive().get("graphs")).isEqualTo(1);
            recording.close();
            x.release();
            assertThat(gpu.device.memory().inUse()).isZero();
        }
    }

    @Test
    void workThatWaitsForTheDeviceCannotBeRecorded() {
        try (NullGpu gpu = NullGpu.of(Pace.LATE)) {
            Tensor x = Tensor.of(gpu.device, new float[] {1}, 1);
            Readback readback = gpu.device.read(x, 4);
            refused(gpu, x::item, "copyOut of 4 bytes");
            refused(gpu, () -> x.set(new float[1]), "copyIn of 4 bytes");
            refused(gpu, () -> gpu.device.read(x, 4), "read of 4 bytes");
            refused(gpu, gpu.device::synchronize, "synchronize");
            refused(gpu, readback::await, "await");
            refused(gpu, () -> gpu.device.record(() -> {}), "another recording");
            readback.close();
            // and afterwards everything goes on
            Recording recording = gpu.device.record(() -> gpu.device.zero(x, 4)).orElseThrow();
            assertThat(x.item()).isZero();
            recording.close();
            x.release();
            assertThat(gpu.device.memory().inUse()).isZero();
            assertThat(gpu.driver.alive()).doesNotContainKey("graphs");
        }
    }

    private static void refused(NullGpu gpu, Runnable culprit, String what) {
        assertThatThrownBy(() -> gpu.device.record(culprit)).isInstanceOf(IllegalStateException.class).hasMessageContaining(what)
                .hasMessageContaining("recorded work");
    }

    @Test
    void aFailureInTheWorkIsTheOneThatShows() {
        try (NullGpu gpu = NullGpu.of(Pace.LATE)) {
            Tensor x = Tensor.of(gpu.device, new float[] {1}, 1);
            assertThatThrownBy(() -> gpu.device.record(() -> {
                gpu.device.zero(x, 4);
                throw new IllegalArgumentException("shape");
            })).isInstanceOf(IllegalArgumentException.class).hasMessage("shape");
            assertThat(x.item()).as("nothing was done").isEqualTo(1);
            for (String call : List.of("captureBegin", "captureEnd", "graphInstantiate", "copyOnDevice")) {
                gpu.driver.fail(call, 900);
                assertThatThrownBy(() -> gpu.device.record(() -> gpu.device.copy(x, x, 4))).as(call).isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("cannot be recorded").hasMessageContaining("900");
                assertThat(gpu.driver.alive()).doesNotContainKey("graphs");
                gpu.device.record(() -> gpu.device.copy(x, x, 4)).orElseThrow().close();
            }
            x.release();
        }
    }
}
