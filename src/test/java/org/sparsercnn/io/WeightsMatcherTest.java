package org.sparsercnn.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparsercnn.io.LoadedCheckpoint.Naming;
import org.sparsercnn.util.BadInput;

class WeightsMatcherTest {
    private static LoadedCheckpoint file(Naming naming, Map<String, Long> versions, String... names) {
        StateDict model = new StateDict();
        for (int i = 0; i < names.length; i++) {
            model.put(names[i], HostTensor.of(new float[] {i, i}, 2));
        }
        return new LoadedCheckpoint(Path.of("w.pth"), "pickle", model, naming, versions, Optional.empty(), Map.of());
    }

    private static SequencedMap<String, long[]> wanted(String... names) {
        SequencedMap<String, long[]> wanted = new LinkedHashMap<>();
        for (String name : names) {
            wanted.put(name, new long[] {2});
        }
        return wanted;
    }

    @Test
    void longestWholeWordEndWins() {
        WeightsMatch match = WeightsMatcher.match(file(Naming.SUFFIX, Map.of(), "conv1.w", "res2.conv1.w", "v1.w"),
                wanted("backbone.res2.conv1.w", "backbone.conv1.w", "xconv1.w"));
        assertThat(match.loaded().get("backbone.res2.conv1.w").toFloats()).containsExactly(1, 1);
        assertThat(match.loaded().get("backbone.conv1.w").toFloats()).containsExactly(0, 0);
        assertThat(match.missing()).containsExactly("xconv1.w");
        assertThat(match.unused()).containsExactly("v1.w");
    }

    @Test
    void exactNamingDoesNotGuess() {
        WeightsMatch match = WeightsMatcher.match(file(Naming.EXACT, Map.of(), "conv1.w"), wanted("backbone.conv1.w"));
        assertThat(match.loaded()).isEmpty();
        assertThatThrownBy(() -> match.requireSome("backbone.")).isInstanceOf(BadInput.class)
                .hasMessageContainingAll("w.pth", "The file has conv1.w", "wants backbone.conv1.w");
    }

    @Test
    void oneTensorForTwoParametersIsAnError() {
        assertThatThrownBy(() -> WeightsMatcher.match(file(Naming.SUFFIX, Map.of(), "norm.w"), wanted("a.norm.w", "b.norm.w")))
                .isInstanceOf(BadInput.class).hasMessageContainingAll("w.pth", "'norm.w'", "'a.norm.w'", "'b.norm.w'");
    }

    @Test
    void runningStatisticsAreFilledOnlyWhereTheirAbsenceMeansSomething() {
        SequencedMap<String, long[]> wanted = wanted("b.n.weight", "b.n.running_mean", "b.n.running_var", "c.running_var");
        assertThat(WeightsMatcher.match(file(Naming.EXACT, Map.of(), "b.n.weight"), wanted).filled())
                .containsExactly("b.n.running_mean", "b.n.running_var");
        assertThat(WeightsMatcher.match(file(Naming.EXACT, Map.of("b.n", 1L), "b.n.weight"), wanted).filled()).hasSize(2);
        assertThat(WeightsMatcher.match(file(Naming.EXACT, Map.of("b.n", 3L), "b.n.weight"), wanted).missing())
                .containsExactly("b.n.running_mean", "b.n.running_var", "c.running_var");
        assertThat(WeightsMatcher.match(file(Naming.CAFFE2, Map.of(), "n.weight"), wanted).filled()).isEmpty();
    }

    @Test
    void completeMatchSaysSo() {
        WeightsMatch match = WeightsMatcher.match(file(Naming.EXACT, Map.of(), "a.w", "a.b"), wanted("a.w", "a.b"));
        assertThat(match.requireComplete().requireSome("a.").table().lines()).containsExactly("Loaded 2 of 2 tensors from w.pth");
    }

    @ParameterizedTest
    @CsvSource({
        "conv1_w, stem.conv1.weight",
        "res_conv1_bn_s, stem.conv1.norm.weight",
        "res_conv1_bn_b, stem.conv1.norm.bias",
        "conv1_gn_s, stem.conv1.norm.weight",
        "res2_0_branch1_w, res2.0.shortcut.weight",
        "res2_0_branch2a_bn_s, res2.0.conv1.norm.weight",
        "res4_22_branch2c_bn_b, res4.22.conv3.norm.bias",
        "res5_2_branch2b_bn_rm, res5.2.conv2.norm.running_mean",
        "res5_2_branch2b_bn_riv, res5.2.conv2.norm.running_var",
        "fpn_inner_res5_2_sum_w, fpn_lateral5.weight",
        "fpn_inner_res2_2_sum_lateral_b, fpn_lateral2.bias",
        "fpn_inner_res2_2_sum_lateral_gn_s, fpn_lateral2.norm.weight",
        "fpn_res3_3_sum_w, fpn_output3.weight",
        "fpn_res3_3_sum_gn_b, fpn_output3.norm.bias",
        "fc1000_w, fc1000.weight",
    })
    void caffe2Names(String caffe2, String detectron2) {
        assertThat(NameMaps.caffe2(caffe2)).isEqualTo(detectron2);
    }

    @ParameterizedTest
    @CsvSource({
        "conv1.weight, stem.conv1.weight",
        "bn1.running_var, stem.conv1.norm.running_var",
        "layer4.2.bn3.bias, res5.2.conv3.norm.bias",
        "layer1.0.downsample.0.weight, res2.0.shortcut.weight",
        "layer1.0.downsample.1.num_batches_tracked, res2.0.shortcut.norm.num_batches_tracked",
        "fc.bias, stem.fc.bias",
    })
    void torchvisionNames(String torchvision, String detectron2) {
        assertThat(NameMaps.torchvision(torchvision)).isEqualTo(detectron2);
    }
}
