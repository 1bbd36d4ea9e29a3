package org.sparsercnn.io;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names of other ResNet implementations in detectron2's style, without the {@code backbone.bottom_up.} in front, which
 * the suffix matching of {@link WeightsMatcher} finds. Sources: detectron2's {@code c2_model_loading.py} and
 * {@code tools/convert-torchvision-to-d2.py}. Of the former the backbone and FPN rules are here; Detectron's region
 * proposal, box, mask and keypoint heads have no counterpart in Sparse R-CNN.
 */
final class NameMaps {
    private record Rule(Pattern pattern, String replacement) {
        Rule(String regex, String replacement) {
            this(Pattern.compile(regex), replacement);
        }
    }

    private static final Rule[] CAFFE2 = {
        new Rule("_", "."),
        new Rule("\\.b$", ".bias"),
        new Rule("\\.w$", ".weight"),
        new Rule("(bn|gn)\\.s$", "norm.weight"),
        new Rule("(bn|gn)\\.bias$", "norm.bias"),
        new Rule("bn\\.(rm|running\\.mean)$", "norm.running_mean"),
        new Rule("bn\\.(riv|running\\.var)$", "norm.running_var"),
        new Rule("bn\\.gamma$", "norm.weight"),
        new Rule("bn\\.beta$", "norm.bias"),
        new Rule("^res\\.conv1\\.norm\\.", "conv1.norm."),
        new Rule("^conv1\\.", "stem.conv1."),
        new Rule("\\.branch1\\.", ".shortcut."),
        new Rule("\\.branch2a\\.", ".conv1."),
        new Rule("\\.branch2b\\.", ".conv2."),
        new Rule("\\.branch2c\\.", ".conv3."),
        new Rule("^fpn\\.inner\\.res(\\d+)\\..*?(\\.norm)?(\\.\\w+)$", "fpn_lateral$1$2$3"),
        new Rule("^fpn\\.res(\\d+)\\..*?(\\.norm)?(\\.\\w+)$", "fpn_output$1$2$3"),
    };

    private static final Pattern LAYER = Pattern.compile("^layer([1-4])\\.");

    private NameMaps() {}

    /** Caffe2's blobs are called {@code res2_0_branch2a_w}: no dots, and underscores for them. */
    static boolean isCaffe2(Set<String> names) {
        return names.stream().noneMatch(n -> n.contains(".")) && names.stream().anyMatch(n -> n.endsWith("_w"));
    }

    static String caffe2(String name) {
        String renamed = name;
        for (Rule rule : CAFFE2) {
            renamed = rule.pattern.matcher(renamed).replaceAll(rule.replacement);
        }
        return renamed;
    }

    static boolean isTorchvision(Set<String> names) {
        return names.contains("conv1.weight") && names.contains("layer1.0.conv1.weight");
    }

    static String torchvision(String name) {
        Matcher layer = LAYER.matcher(name);
        String renamed = layer.find()
                ? "res" + (Integer.parseInt(layer.group(1)) + 1) + "." + name.substring(layer.end())
                : "stem." + name;
        return renamed.replaceAll("bn([123])", "conv$1.norm")
                .replace("downsample.0", "shortcut")
                .replace("downsample.1", "shortcut.norm");
    }

    /** detectron2's ResNet by itself, as {@code convert} writes it from a model-zoo backbone. */
    static boolean isBareBackbone(Set<String> names) {
        return names.contains("stem.conv1.weight");
    }

    static StateDict renamed(StateDict from, UnaryOperator<String> rename) {
        StateDict out = new StateDict();
        for (Map.Entry<String, HostTensor> e : from.tensors().entrySet()) {
            String name = rename.apply(e.getKey());
            if (out.contains(name)) {
                throw new Malformed("two of its tensors, one of them '" + e.getKey() + "', become '" + name + "'");
            }
            out.put(name, e.getValue());
        }
        from.metadata().forEach(out::putMetadata);
        return out;
    }

    static Map<String, Long> renamed(Map<String, Long> from, UnaryOperator<String> rename) {
        Map<String, Long> out = new LinkedHashMap<>();
        from.forEach((k, v) -> out.put(rename.apply(k), v));
        return out;
    }
}
