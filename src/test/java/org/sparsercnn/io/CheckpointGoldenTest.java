package org.sparsercnn.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.io.LoadedCheckpoint.Naming;
import org.sparsercnn.util.BadInput;

/** Every container a user may hold gives the published tensors; every damaged or malicious one is refused. */
class CheckpointGoldenTest {
    /** What the payload of the malicious files would create. */
    private static final Path PWNED = Path.of("/tmp/PWNED_BY_PICKLE");

    @TempDir
    static Path folder;

    private static JsonNode json;

    @BeforeAll
    static void unpack() throws IOException {
        GoldenFiles.unpack(folder);
        json = GoldenFiles.json();
        Files.deleteIfExists(PWNED);
    }

    @AfterEach
    void nothingWasRun() {
        assertThat(PWNED).doesNotExist();
    }

    static Stream<String> files(String... expectations) {
        return json.get("files").properties().stream()
                .filter(e -> List.of(expectations).contains(e.getValue().path("expect").asText())).map(Map.Entry::getKey);
    }

    static Stream<String> filesWithTheirNames() {
        return files("expected_micro.safetensors", "expected_micro_fp16.safetensors", "expected_micro_bf16.safetensors",
                "expected_odd.safetensors");
    }

    static Stream<String> badFiles() {
        return files("REFUSE", "ERROR");
    }

    @Test
    void filesAreThePublishedOnes() throws Exception {
        for (Map.Entry<String, JsonNode> e : json.get("files").properties()) {
            byte[] bytes = Files.readAllBytes(folder.resolve(e.getKey()));
            assertThat(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes))).as(e.getKey())
                    .isEqualTo(e.getValue().get("sha256").asText());
        }
        assertThat(json.get("files")).hasSizeGreaterThan(45);
    }

    @ParameterizedTest
    @MethodSource("filesWithTheirNames")
    void goodFileHoldsTheExpectedTensors(String name) {
        StateDict expected = Safetensors.read(folder.resolve(json.get("files").get(name).get("expect").asText()));
        StateDict actual = CheckpointReader.read(folder.resolve(name)).model();
        assertThat(actual.tensors().keySet()).isEqualTo(new TreeSet<>(expected.tensors().keySet()));
        boolean sameTypes = !name.matches("micro_(fp16|bf16|fp64).pth");
        for (String tensor : expected.tensors().keySet()) {
            assertSame(tensor, actual.get(tensor), expected.get(tensor), sameTypes);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"micro_d2.pth", "micro_legacy.pth", "micro_parameters.pth", "micro_zoo_p2.pkl", "micro_zoo_p5.pkl"})
    void namesKeepTheirOrder(String name) {
        assertThat(CheckpointReader.read(folder.resolve(name)).model().tensors().keySet())
                .containsExactlyElementsOf(GoldenFiles.microShapes().keySet());
    }

    private static void assertSame(String name, HostTensor actual, HostTensor expected, boolean sameType) {
        assertThat(actual.shape()).as(name).isEqualTo(expected.shape());
        if (sameType) {
            assertThat(actual.dtype()).as(name).isEqualTo(expected.dtype());
            assertThat(actual.data().mismatch(expected.data())).as("first differing byte of " + name).isEqualTo(-1);
        } else {
            assertThat(actual.dtype()).as(name).isNotEqualTo(Dtype.F32);
            assertThat(actual.toFloats()).as(name).isEqualTo(expected.toFloats());
        }
    }

    @ParameterizedTest
    @MethodSource("badFiles")
    void badFileIsRefusedWithItsNameAndReason(String name) {
        Path file = folder.resolve(name);
        assertThatThrownBy(() -> CheckpointReader.read(file)).isInstanceOf(BadInput.class)
                .hasMessageStartingWith(file.toString()).hasMessageContainingAll(reasons(name));
    }

    private static String[] reasons(String name) {
        if (name.startsWith("evil_os_system")) {
            return new String[] {".system'", "nothing was run"};
        } else if (name.startsWith("evil_eval")) {
            return new String[] {".eval'", "nothing was run"};
        } else if (name.startsWith("evil_getattr")) {
            return new String[] {"Popen'", "nothing was run"};
        } else if (name.startsWith("evil_object_array")) {
            return new String[] {"NumPy array of type 'O8'"};
        } else if (name.startsWith("truncated")) {
            return new String[] {"truncated"};
        } else if (name.startsWith("corrupt_crc")) {
            return new String[] {"CRC-32", "data.pkl"};
        } else if (name.startsWith("empty")) {
            return new String[] {"empty"};
        }
        return new String[] {"neither safetensors nor .pth nor a pickle"};
    }

    @Test
    void everyFileIsCovered() {
        Set<String> covered = new TreeSet<>(filesWithTheirNames().toList());
        covered.addAll(badFiles().toList());
        covered.addAll(List.of("torchvision_r18.pth", "torchvision_r50.pth", "torchvision_r18_d2.pkl", "torchvision_r50_d2.pkl",
                "micro_caffe2.pkl", "micro_no_running_stats.pth", "shape_lie.pkl"));
        json.get("files").properties().stream().map(Map.Entry::getKey).filter(n -> n.startsWith("expected_"))
                .forEach(covered::add);
        assertThat(covered).hasSize(json.get("files").size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"r18", "r50"})
    void torchvisionNamesBecomeTheBackbones(String depth) {
        StateDict expected = Safetensors.read(folder.resolve("expected_torchvision_" + depth + ".safetensors"));
        for (String name : List.of("torchvision_" + depth + ".pth", "torchvision_" + depth + "_d2.pkl")) {
            LoadedCheckpoint read = CheckpointReader.read(folder.resolve(name));
            assertThat(read.naming()).isEqualTo(Naming.SUFFIX);
            WeightsMatch match = WeightsMatcher.match(read, shapes(expected)).requireComplete();
            assertThat(match.filled()).isEmpty();
            expected.tensors().forEach((tensor, value) -> assertSame(tensor, match.loaded().get(tensor), value, true));
            assertThat(match.unused()).containsExactlyInAnyOrderElementsOf(
                    strings(json.get("files").get("torchvision_" + depth + "_d2.pkl").get("ckpt_keys_without_match")));
        }
    }

    @Test
    void matchingAWholeModelLeavesWhatTheOfficialLoaderLeaves() {
        JsonNode facts = json.get("files").get("torchvision_r50_d2.pkl");
        WeightsMatch match = WeightsMatcher.match(CheckpointReader.read(folder.resolve("torchvision_r50_d2.pkl")),
                GoldenFiles.microShapes());
        assertThat(match.loaded()).hasSize(facts.get("loaded_keys").asInt());
        assertThat(match.missing()).containsExactlyInAnyOrderElementsOf(strings(facts.get("untouched_keys")));
        assertThat(match.requireSome("backbone.").table()).contains("Loaded 265 of 323 tensors",
                "head.head_series.0.self_attn.{in_proj_weight, in_proj_bias}", "stem.fc.{weight, bias}");
    }

    @Test
    void caffe2NamesBecomeTheBackbonesAndLeaveTheRunningStatistics() {
        StateDict expected = Safetensors.read(folder.resolve("expected_caffe2.safetensors"));
        LoadedCheckpoint read = CheckpointReader.read(folder.resolve("micro_caffe2.pkl"));
        assertThat(read.naming()).isEqualTo(Naming.CAFFE2);
        WeightsMatch match = WeightsMatcher.match(read, shapes(expected));
        assertThat(match.loaded()).hasSize(json.get("files").get("micro_caffe2.pkl").get("loaded_keys").asInt());
        match.loaded().forEach((tensor, value) -> assertSame(tensor, value, expected.get(tensor), true));
        assertThat(match.missing()).hasSize(expected.size() - match.loaded().size())
                .allMatch(n -> n.endsWith(".running_mean") || n.endsWith(".running_var"));
    }

    @Test
    void missingRunningStatisticsAreZeroAndOne() {
        StateDict expected = Safetensors.read(folder.resolve("expected_micro.safetensors"));
        WeightsMatch match = WeightsMatcher.match(CheckpointReader.read(folder.resolve("micro_no_running_stats.pth")),
                GoldenFiles.microShapes()).requireComplete();
        assertThat(match.filled()).hasSize(106);
        match.loaded().forEach((name, tensor) -> {
            if (name.contains(".running_")) {
                assertThat(match.filled()).contains(name);
                assertThat(tensor.toFloats()).containsOnly(name.endsWith("mean") ? 0f : 1f);
            } else {
                assertSame(name, tensor, expected.get(name), true);
            }
        });
    }

    @Test
    void tensorOfAnotherShapeIsSkippedAndNamed() {
        WeightsMatch match = WeightsMatcher.match(CheckpointReader.read(folder.resolve("shape_lie.pkl")),
                GoldenFiles.microShapes());
        assertThat(match.loaded()).isEmpty();
        assertThat(match.misshapen()).singleElement().hasToString(
                "init_proposal_boxes.weight ([7, 4] in the file, [6, 4] in the model)");
        assertThatThrownBy(match::requireComplete).isInstanceOf(BadInput.class)
                .hasMessageContainingAll("shape_lie.pkl", "322 missing, 1 of another shape, 0 fit", "[7, 4] in the file",
                        "… and 313 more");
        assertThatThrownBy(() -> match.requireSome("backbone.")).isInstanceOf(BadInput.class)
                .hasMessageContaining("backbone.fpn_lateral2.weight");
    }

    @ParameterizedTest
    @ValueSource(strings = {"micro_d2.pth", "micro_legacy.pth"})
    void optimizerStateIsNamedAfterTheTrainableParameters(String name) {
        StateDict expected = Safetensors.read(folder.resolve("expected_micro_optimizer.safetensors"));
        LoadedCheckpoint read = CheckpointReader.read(folder.resolve(name));
        List<String> trainable = GoldenFiles.microShapes().keySet().stream()
                .filter(n -> expected.contains(n + "/exp_avg")).toList();
        TorchOptimizerState optimizer = read.optimizer().orElseThrow();
        StateDict actual = optimizer.named(trainable);
        assertThat(actual.tensors().keySet()).isEqualTo(new TreeSet<>(expected.tensors().keySet()));
        expected.tensors().forEach((slot, value) -> assertSame(slot, actual.get(slot), value, true));
        assertThat(optimizer.groups()).hasSize(json.get("n_param_groups").asInt());
        JsonNode group = json.get("optimizer_param_group0");
        Map<String, Object> settings = optimizer.groups().getFirst();
        assertThat(settings).containsEntry("lr", group.get("lr").asDouble()).containsEntry("params", List.of(0L))
                .containsEntry("betas", List.of(0.9, 0.999)).containsEntry("fused", null);
        assertThat(read.extras()).containsEntry("iteration", json.get("iteration").asLong());
        assertThat((Map<?, ?>) read.extras().get("scheduler")).satisfies(s -> {
            assertThat(s.get("milestones")).isEqualTo(List.of(210000L, 250000L));
            assertThat(s.get("warmup_method")).isEqualTo("linear");
        });
        assertThatThrownBy(() -> optimizer.named(trainable.subList(1, 100))).isInstanceOf(BadInput.class)
                .hasMessageContaining("100 parameters, the model trains 99");
    }

    private static SequencedMap<String, long[]> shapes(StateDict of) {
        SequencedMap<String, long[]> shapes = new LinkedHashMap<>();
        of.tensors().forEach((name, tensor) -> shapes.put(name, tensor.shape()));
        return shapes;
    }

    private static List<String> strings(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).map(JsonNode::asText).toList();
    }
}
