package org.sparsercnn.model;

import java.util.ArrayList;
import java.util.List;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.config.ModelConfig;
import org.sparsercnn.nn.Conv2d;
import org.sparsercnn.nn.Norm;
import org.sparsercnn.nn.Parameters;
import org.sparsercnn.op.MaxPool;
import org.sparsercnn.util.BadInput;

/** ResNet-18 to 152 (He et al. 2016) as detectron2 builds it: a stem and four stages res2 to res5 with strides 4 to 32. */
final class ResNet {
    private final Conv2d stem;
    private final List<List<Block>> stages = new ArrayList<>();
    private final long[] channels = new long[4];

    ResNet(Parameters.Path path, ModelConfig config) {
        ModelConfig.Resnets r = config.resnets();
        int[] blocks = switch (r.depth()) {
            case 18 -> new int[] {2, 2, 2, 2};
            case 34 -> new int[] {3, 4, 6, 3};
            case 50 -> new int[] {3, 4, 6, 3};
            case 101 -> new int[] {3, 4, 23, 3};
            case 152 -> new int[] {3, 8, 36, 3};
            default -> throw BadInput.of("MODEL.RESNETS.DEPTH: %d; one of 18, 34, 50, 101, 152", r.depth());
        };
        Norm norm = Norm.parse(r.norm(), "MODEL.RESNETS.NORM");
        stem = new Conv2d(path.at("stem").at("conv1"), 3, r.stemOutChannels(), 7, 2, norm);
        long in = r.stemOutChannels();
        long out = r.res2OutChannels();
        long inner = (long) r.numGroups() * r.widthPerGroup();
        for (int stage = 0; stage < 4; stage++, out *= 2, inner *= 2) {
            Parameters.Path at = path.at("res" + (stage + 2));
            List<Block> list = new ArrayList<>();
            for (int i = 0; i < blocks[stage]; i++) {
                int stride = i == 0 && stage > 0 ? 2 : 1;
                list.add(r.depth() < 50 ? Block.basic(at.at(i), in, out, stride, norm)
                        : Block.bottleneck(at.at(i), in, inner, out, stride, r.strideIn1x1(), norm));
                in = out;
            }
            stages.add(list);
            channels[stage] = out;
        }
        freeze(config.backbone().freezeAt());
    }

    /** FREEZE_AT: 1 is the stem, 2 the stem and res2, and so on. */
    private void freeze(int at) {
        if (at >= 1) {
            stem.freeze();
        }
        for (int stage = 2; stage <= at; stage++) {
            stages.get(stage - 2).forEach(Block::freeze);
        }
    }

    /** Channels of res2 to res5. */
    long[] channels() {
        return channels;
    }

    /** images (N, H, W, 3) to res2 … res5, (N, H/4, W/4, C) … (N, H/32, W/32, 8C). */
    List<Variable> apply(Tape tape, Variable images) {
        Variable x = tape.scoped(() -> MaxPool.apply(tape, stem.apply(tape, images, true), 3, 2, 1));
        List<Variable> features = new ArrayList<>();
        for (List<Block> stage : stages) {
            Variable in = x;
            x = tape.scoped(() -> apply(tape, stage, in)); // of a stage only its last output lives on
            features.add(x);
        }
        return features;
    }

    private static Variable apply(Tape tape, List<Block> stage, Variable in) {
        Variable x = in;
        for (Block block : stage) {
            Variable y = x;
            x = tape.scoped(() -> block.apply(tape, y));
        }
        return x;
    }

    /**
     * {@code relu(shortcut(x) + layers(x))}.
     *
     * @param shortcut a 1x1 convolution where the shape changes, else null
     */
    private record Block(Conv2d shortcut, List<Conv2d> layers) {
        static Block basic(Parameters.Path at, long in, long out, int stride, Norm norm) {
            return new Block(shortcut(at, in, out, stride, norm), List.of(
                    new Conv2d(at.at("conv1"), in, out, 3, stride, norm),
                    new Conv2d(at.at("conv2"), out, out, 3, 1, norm)));
        }

        static Block bottleneck(Parameters.Path at, long in, long inner, long out, int stride, boolean strideIn1x1, Norm norm) {
            return new Block(shortcut(at, in, out, stride, norm), List.of(
                    new Conv2d(at.at("conv1"), in, inner, 1, strideIn1x1 ? stride : 1, norm),
                    new Conv2d(at.at("conv2"), inner, inner, 3, strideIn1x1 ? 1 : stride, norm),
                    new Conv2d(at.at("conv3"), inner, out, 1, 1, norm)));
        }

        private static Conv2d shortcut(Parameters.Path at, long in, long out, int stride, Norm norm) {
            return in == out && stride == 1 ? null : new Conv2d(at.at("shortcut"), in, out, 1, stride, norm);
        }

        void freeze() {
            if (shortcut != null) {
                shortcut.freeze();
            }
            layers.forEach(Conv2d::freeze);
        }

        Variable apply(Tape tape, Variable x) {
            Variable skip = shortcut == null ? x : shortcut.apply(tape, x, false);
            Variable y = x;
            for (Conv2d layer : layers.subList(0, layers.size() - 1)) {
                y = layer.apply(tape, y, true);
            }
            return layers.getLast().apply(tape, y, true, skip);
        }
    }
}
