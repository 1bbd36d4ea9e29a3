package org.sparsercnn.benchmarks;

import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.sparsercnn.app.DeviceChoice;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.op.Add;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * What the benchmarks of ops share: a device ({@code -p deviceName=cuda}, on which a pass is waited for, launches included) and tensors
 * of noise, the same in every run.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(value = 1, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"})
public abstract class OnDevice {
    @Param("cpu")
    public String deviceName;

    /** Of the CPU. */
    @Param("2")
    public int threads;

    Device device;
    final Random random = new Random(0);
    private org.sparsercnn.tensor.Scope scope;

    @Setup
    public void open() {
        device = new DeviceChoice(Optional.of(deviceName), Optional.of(threads)).open(Config.defaults(), 0, 1);
        scope = new org.sparsercnn.tensor.Scope(device);
        make();
    }

    /** Makes the inputs. */
    abstract void make();

    @TearDown
    public void close() {
        scope.close();
        device.close();
    }

    Tensor empty(long... shape) {
        return scope.empty(Shape.of(shape));
    }

    /** Values of a normal distribution. */
    Tensor noise(long... shape) {
        Tensor t = empty(shape);
        float[] values = new float[(int) t.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        t.set(values);
        return t;
    }

    /** Boxes of 16 pixels to half the image, (images, count, 4) xyxy. */
    Tensor boxesXyxyPx(int images, int count, int width, int height) {
        Tensor t = empty(images, count, 4);
        float[] values = new float[images * count * 4];
        for (int i = 0; i < values.length; i += 4) {
            values[i] = random.nextFloat(width / 2f);
            values[i + 1] = random.nextFloat(height / 2f);
            values[i + 2] = values[i] + random.nextFloat(16, width / 2f);
            values[i + 3] = values[i + 1] + random.nextFloat(16, height / 2f);
        }
        t.set(values);
        return t;
    }

    /** {@code op} as in inference. */
    void forward(Function<Tape, Variable> op) {
        try (Tape tape = Tape.inference(device)) {
            op.apply(tape);
            device.synchronize();
        }
    }

    /** {@code op}, then its backward pass with the output as gradient; {@code leaves} give their gradients back. */
    void forwardAndBackward(Function<Tape, Variable> op, Variable... leaves) {
        try (Tape tape = Tape.training(device, new Rng(0))) {
            Variable y = op.apply(tape);
            tape.backward(List.of(y), List.of(y.value()), (a, b) -> Add.sum(tape, a, b), _ -> {});
            for (Variable leaf : leaves) {
                leaf.clearGradient();
            }
            device.synchronize();
        }
    }
}
