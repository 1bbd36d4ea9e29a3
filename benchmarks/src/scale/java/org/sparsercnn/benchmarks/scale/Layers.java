package org.sparsercnn.benchmarks.scale;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.sparsercnn.config.Config;
import org.sparsercnn.config.ModelConfig;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;

/**
 * What the groups of layers of a model cost: parameters, and multiplications of one image of a size, those of the products and
 * convolutions alone. Read off the shapes of the parameters.
 *
 * @param groups in the order of forward; backward goes through them the other way round
 */
record Layers(List<Group> groups) {
    private static final Pattern STAGE = Pattern.compile("backbone\\.bottom_up\\.(stem|res(\\d))\\.(?:(\\d+)\\.)?(conv\\d|shortcut)\\.weight");
    private static final Pattern PYRAMID = Pattern.compile("backbone\\.fpn_(lateral|output)(\\d)\\.weight");
    private static final Pattern HEAD = Pattern.compile("head\\.head_series\\.(\\d+)\\..*");

    /**
     * @param weights all parameters, frozen ones too
     * @param trained those with a gradient
     * @param forward multiplications of forward
     * @param backward multiplications of backward: the gradients of what is trained, and of inputs that need one
     */
    record Group(String name, long weights, long trained, double forward, double backward) {
        private Group plus(long moreWeights, long moreTrained, double moreForward, double moreBackward) {
            return new Group(name, weights + moreWeights, trained + moreTrained, forward + moreForward, backward + moreBackward);
        }
    }

    long weights() {
        return groups.stream().mapToLong(Group::weights).sum();
    }

    long trained() {
        return groups.stream().mapToLong(Group::trained).sum();
    }

    double forward() {
        return groups.stream().mapToDouble(Group::forward).sum();
    }

    double backward() {
        return groups.stream().mapToDouble(Group::backward).sum();
    }

    /** Floating-point operations of a training step, an image: two for each multiplication. */
    double flop() {
        return 2 * (forward() + backward());
    }

    /** The same work and parameters without any order: gradients come at one pace all through backward. */
    Layers evenly() {
        return new Layers(List.of(groups.stream().reduce(new Group("all", 0, 0, 0, 0), (sum, g) -> sum.plus(g.weights, g.trained, g.forward, g.backward))));
    }

    /** As if backward came to the heads last. */
    Layers headsLast() {
        Stream<Group> heads = groups.stream().filter(g -> g.name.startsWith("head"));
        return new Layers(Stream.concat(heads, groups.stream().filter(g -> !g.name.startsWith("head"))).toList());
    }

    /** @param height and {@code width} of the image as the network gets it, multiples of 32 */
    static Layers of(Config config, int height, int width) {
        try (Device cpu = new CpuDevice(1, -1); SparseRcnn model = new SparseRcnn(cpu, config.model())) {
            return new Count(config.model(), model, (double) height * width).layers();
        }
    }

    private static final class Count {
        private final ModelConfig config;
        private final SparseRcnn model;
        private final double pixels;
        private final Map<String, Group> groups = new LinkedHashMap<>();

        Count(ModelConfig config, SparseRcnn model, double pixels) {
            this.config = config;
            this.model = model;
            this.pixels = pixels;
        }

        Layers layers() {
            for (Parameter p : model.parameters().all()) {
                if (p.kind() == Parameter.Kind.BUFFER) {
                    continue;
                }
                long values = p.value().elements();
                double forward = values * uses(p);
                double backward = p.trainable() ? forward * (inputNeedsGradient(p.name()) ? 2 : 1) : 0;
                add(group(p.name()), values, p.trainable() ? values : 0, forward, backward);
            }
            ModelConfig.SparseRcnn s = config.sparseRcnn();
            double attention = 2.0 * s.numProposals() * s.numProposals() * s.hiddenDim();
            double bins = Math.pow(config.roiBoxHead().poolerResolution(), 2);
            double interaction = s.numDynamic() * s.numProposals() * bins * s.hiddenDim() * s.dimDynamic();
            for (int head = 0; head < s.numHeads(); head++) {
                add("head " + (head + 1), 0, 0, attention + interaction, 2 * (attention + interaction));
            }
            return new Layers(List.copyOf(groups.values()));
        }

        private void add(String group, long weights, long trained, double forward, double backward) {
            groups.put(group, groups.getOrDefault(group, new Group(group, 0, 0, 0, 0)).plus(weights, trained, forward, backward));
        }

        private static String group(String name) {
            Matcher head = HEAD.matcher(name);
            if (head.matches()) {
                return "head " + (Integer.parseInt(head.group(1)) + 1);
            }
            return name.startsWith("backbone.fpn") ? "fpn" : name.startsWith("init_proposal") ? "proposals" : name.split("\\.")[2];
        }

        /** How many times each value of it is multiplied for an image. */
        private double uses(Parameter p) {
            Matcher stage = STAGE.matcher(p.name());
            Matcher pyramid = PYRAMID.matcher(p.name());
            if (stage.matches()) {
                return pixels / Math.pow(stage.group(2) == null ? 2 : outputStride(stage), 2);
            } else if (pyramid.matches()) {
                return pixels / Math.pow(strideOf(Integer.parseInt(pyramid.group(2))), 2);
            }
            return HEAD.matcher(p.name()).matches() && p.value().shape().rank() == 2 ? config.sparseRcnn().numProposals() : 0;
        }

        private static int strideOf(int stage) {
            return 1 << stage;
        }

        /** A bottleneck's first 1x1 convolution may come before the stride. */
        private int outputStride(Matcher conv) {
            int stage = Integer.parseInt(conv.group(2));
            boolean before = stage > 2 && conv.group(3).equals("0") && conv.group(4).equals("conv1") && config.resnets().depth() >= 50
                    && !config.resnets().strideIn1x1();
            return strideOf(before ? stage - 1 : stage);
        }

        /** Nothing is trained below the first trained stage, so what reads it passes no gradient on. */
        private boolean inputNeedsGradient(String name) {
            int frozen = config.backbone().freezeAt();
            Matcher stage = STAGE.matcher(name);
            Matcher pyramid = PYRAMID.matcher(name);
            if (stage.matches()) {
                if (stage.group(2) == null) {
                    return false;
                }
                boolean first = stage.group(3).equals("0") && stage.group(4).matches("conv1|shortcut");
                return !first || Integer.parseInt(stage.group(2)) - 1 > frozen;
            }
            return !pyramid.matches() || pyramid.group(1).equals("output") || Integer.parseInt(pyramid.group(2)) > frozen;
        }
    }
}
