package org.sparsercnn.benchmarks.scale;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.app.Bench;
import org.sparsercnn.app.DeviceChoice;
import org.sparsercnn.config.Config;
import org.sparsercnn.util.Json;

class LayersTest {
    @TempDir Path folder;

    private double counted(Config config, Bench.Mode mode) {
        Path json = folder.resolve(mode + ".json");
        Bench.run(config, new Bench.Options(new DeviceChoice(Optional.of("cpu"), Optional.of(1)), mode, 1, 64, 96, Bench.Precision.FP32, 0.01,
                Optional.of(json)), new PrintStream(OutputStream.nullOutputStream()));
        return Json.read(json, JsonNode.class).get("flop_per_image").asDouble();
    }

    /** What the formulas say is what a device is asked for in a pass. */
    @ParameterizedTest
    @ValueSource(strings = {"MODEL.BACKBONE.FREEZE_AT 0", "MODEL.BACKBONE.FREEZE_AT 1", "MODEL.BACKBONE.FREEZE_AT 3",
            "MODEL.RESNETS.DEPTH 50 MODEL.BACKBONE.FREEZE_AT 2", "MODEL.RESNETS.DEPTH 50 MODEL.RESNETS.STRIDE_IN_1X1 True"})
    void multiplicationsAreThoseOfAPass(String overrides) {
        Config config = Config.load(Path.of("configs/quickstart.yaml"), List.of(overrides.split(" ")));
        Layers layers = Layers.of(config, 64, 96);
        assertThat(2 * layers.forward()).isCloseTo(counted(config, Bench.Mode.INFER), within(1.0));
        assertThat(layers.flop()).isCloseTo(counted(config, Bench.Mode.TRAIN), within(1.0));
    }

    /** docs/scale.md speaks of these. */
    @Test
    void thePublishedModel() {
        Layers layers = Layers.of(Config.load(Path.of("configs/sparsercnn.res50.100pro.3x.yaml"), List.of()), 800, 1344);
        assertThat(layers.groups().stream().map(Layers.Group::name)).containsExactly("stem", "res2", "res3", "res4", "res5", "fpn", "proposals",
                "head 1", "head 2", "head 3", "head 4", "head 5", "head 6");
        assertThat(layers.groups().stream().filter(g -> g.trained() == 0).map(Layers.Group::name)).containsExactly("stem", "res2");
        JsonNode run = Json.read(Path.of("benchmarks/results/intel-xeon-2-cpus-training-memory-2026-11-29.json"), JsonNode.class).get("runs").get(0);
        assertThat(layers.weights()).isEqualTo(run.get("parameters").asLong());
        assertThat(layers.flop()).isEqualTo(run.get("flop_per_image").asDouble());
    }
}
