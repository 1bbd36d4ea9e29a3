package org.sparsercnn.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.ForwardingDevice;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Launch;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.nn.Conv2d;
import org.sparsercnn.nn.Norm;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.nn.Parameters;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;

class EmaTest {
    /** Names of what was launched. */
    private final List<String> launched = new ArrayList<>();
    private final Device device = new ForwardingDevice(new CpuDevice(2, -1)) {
        @Override
        public Launch kernel(Kernel kernel) {
            launched.add(kernel.name());
            return super.kernel(kernel);
        }
    };
    private final Parameters parameters = new Parameters(device);
    private final Random random = new Random(1);

    @AfterEach
    void close() {
        parameters.close();
        assertThat(device.memory().inUse()).isZero();
        device.close();
    }

    private void add(String name, long size) {
        Parameter p = parameters.root().weight(name, size);
        p.value().set(Array.normal(random, size).floats());
    }

    private Optimizer sgd() {
        return new Sgd(device, parameters.trainable().stream().map(p -> new Param(p.name(), p.variable(), 1, 0)).toList(), Clipping.NONE, 0, false);
    }

    private void step(Optimizer optimizer, float loss) {
        for (Param p : optimizer.params()) {
            p.value().zeroGradient();
            p.value().grad().set(Array.normal(random, p.value().shape().toArray()).floats());
        }
        Tensor total = Tensor.of(device, new float[] {loss}, 1);
        optimizer.step(0.1, total);
        total.release();
        optimizer.clearGradients();
    }

    private static double[] widen(float[] f) {
        return IntStream.range(0, f.length).mapToDouble(i -> f[i]).toArray();
    }

    /** Early on the decay is (1 + n) / (10 + n), and a skipped step is none. */
    @ParameterizedTest
    @ValueSource(doubles = {0.35, 0.9999})
    void followsTheFormula(double decay) {
        long[] sizes = {1, 16384 + 5, 40_000, 7};
        for (int i = 0; i < sizes.length; i++) {
            add("p" + i, sizes[i]);
        }
        try (Optimizer optimizer = sgd(); Ema ema = new Ema(parameters, decay)) {
            ema.start();
            List<double[]> wanted = parameters.all().stream().map(p -> widen(p.published())).toList();
            int n = 0;
            for (int s = 0; s < 8; s++) {
                boolean skipped = s == 2;
                step(optimizer, skipped ? Float.NaN : 1);
                launched.clear();
                ema.update(optimizer);
                assertThat(launched).as("one launch over all").containsExactly("ema_update_f32");
                n += skipped ? 0 : 1;
                double d = skipped ? 1 : Math.min(decay, (1.0 + n) / (10 + n));
                int i = 0;
                for (Parameter p : parameters.all()) {
                    float[] value = p.published();
                    double[] average = wanted.get(i++);
                    float[] got = ema.state().get(p.name()).toFloats();
                    for (int k = 0; k < value.length; k++) {
                        average[k] = d * average[k] + (1 - d) * value[k];
                        assertThat((double) got[k]).isCloseTo(average[k], within(1e-6 * (1 + Math.abs(value[k]))));
                    }
                }
            }
            assertThat(n).isEqualTo(7);
        }
    }

    @Test
    void changesPlacesWithTheValuesInTheSameMemoryAndBackToTheLastBit() {
        add("a", 20_000);
        try (Optimizer optimizer = sgd(); Ema ema = new Ema(parameters, 0.5)) {
            ema.start();
            step(optimizer, 1);
            ema.update(optimizer);
            Parameter p = parameters.get("a");
            float[] value = p.published();
            float[] average = ema.state().get("a").toFloats();
            assertThat(average).isNotEqualTo(value);
            long bytes = device.memory().inUse();
            Ema.InPlace averaged = ema.swap();
            assertThat(p.published()).containsExactly(average);
            assertThat(device.memory().inUse()).isEqualTo(bytes);
            assertThatThrownBy(() -> ema.update(optimizer)).isInstanceOf(IllegalStateException.class).hasMessageContaining("changed places");
            assertThatThrownBy(ema::swap).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(ema::state).isInstanceOf(IllegalStateException.class);
            averaged.close();
            averaged.close();
            assertThat(p.published()).containsExactly(value);
            assertThat(ema.state().get("a").toFloats()).containsExactly(average);
        }
    }

    @Test
    void hasNothingBeforeItBegins() {
        add("a", 3);
        try (Optimizer optimizer = sgd(); Ema ema = new Ema(parameters, 0.5)) {
            assertThat(ema.started()).isFalse();
            assertThatThrownBy(() -> ema.update(optimizer)).isInstanceOf(IllegalStateException.class).hasMessageContaining("not begun");
            assertThatThrownBy(ema::swap).isInstanceOf(IllegalStateException.class);
        }
    }

    /** Of a batch norm in training the running statistics too; of one that is frozen, nothing. */
    @Test
    void followsWhatTrainingChanges() {
        new Conv2d(parameters.root().at("bn"), 3, 4, 1, 1, Norm.BN);
        new Conv2d(parameters.root().at("frozen"), 3, 4, 1, 1, Norm.BN).freeze();
        new Conv2d(parameters.root().at("frozen_bn"), 3, 4, 1, 1, Norm.FROZEN_BN);
        try (Ema ema = new Ema(parameters, 0.5)) {
            assertThat(ema.state()).containsOnlyKeys("bn.weight", "bn.norm.weight", "bn.norm.bias", "bn.norm.running_mean", "bn.norm.running_var",
                    "frozen_bn.weight");
        }
    }
}
