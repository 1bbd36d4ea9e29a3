package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparsercnn.config.Config;
import org.sparsercnn.ffi.cuda.StandIn;
import org.sparsercnn.testing.GoldenWeights;
import org.sparsercnn.util.BadInput;

/** What is refused before anything expensive starts, on machines with no GPU, one and four. */
class DeviceChoiceTest {
    private static final Config CONFIG = GoldenWeights.load("model_tiny").config();
    private StandIn machine;

    private void machine(int gpus) {
        machine = StandIn.of(gpus, 1L << 30);
    }

    @AfterEach
    void close() {
        if (machine != null) {
            machine.close();
        }
    }

    private static void check(String device, int replicas) {
        new DeviceChoice(Optional.of(device), Optional.empty()).check(CONFIG, replicas);
    }

    private static void refuses(String device, int replicas, String... words) {
        assertThatThrownBy(() -> check(device, replicas)).isInstanceOf(BadInput.class).hasMessageContainingAll(words);
    }

    @Test
    void withoutAGpuThereIsTheCpu() {
        machine(0);
        assertThatCode(() -> check("auto", 1)).doesNotThrowAnyException();
        assertThatCode(() -> check("cpu", 8)).doesNotThrowAnyException();
        refuses("auto", 2, "--num-gpus 2: 2 GPUs asked for, none found; --device cpu makes 2 replicas in this process", "CUDA_ERROR_NO_DEVICE");
        refuses("cuda", 2, "The CUDA driver sees no GPU", "--device cuda wants a GPU; --device cpu computes on the CPU");
    }

    @ParameterizedTest
    @CsvSource({"1, 2, 1 GPU found", "4, 5, 4 GPUs found", "4, 99, 4 GPUs found"})
    void moreThanThereAreIsRefusedWithBothNumbers(int gpus, int replicas, String found) {
        machine(gpus);
        for (String device : new String[] {"auto", "cuda"}) {
            refuses(device, replicas, "--num-gpus " + replicas + ": " + replicas + " GPUs asked for, " + found);
        }
        refuses("cuda:" + gpus, 1, "--device cuda:" + gpus + ": " + found + ", counted from cuda:0");
    }

    @Test
    void asManyAsThereAreAreTaken() {
        machine(4);
        for (int replicas = 1; replicas <= 4; replicas++) {
            int n = replicas;
            assertThatCode(() -> check("auto", n)).doesNotThrowAnyException();
            assertThatCode(() -> check("cuda", n)).doesNotThrowAnyException();
        }
        assertThatCode(() -> check("cuda:3", 1)).doesNotThrowAnyException();
    }

    @Test
    void severalAndOneOfThemIsNoRequest() {
        machine(4);
        refuses("cuda:2", 2, "--device cuda:2 and --num-gpus 2", "name no number", "CUDA_VISIBLE_DEVICES", "leave --num-gpus out");
        refuses("cuda:0", 2, "--device cuda:0 and --num-gpus 2");
    }
}
