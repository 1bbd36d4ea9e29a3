package org.sparsercnn.model;

import java.util.ArrayList;
import java.util.List;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.config.ModelConfig;
import org.sparsercnn.nn.Conv2d;
import org.sparsercnn.nn.Norm;
import org.sparsercnn.nn.Parameters;
import org.sparsercnn.op.Scale;
import org.sparsercnn.op.UpsampleAdd;

/**
 * Feature pyramid (Lin et al. 2017) over res2 to res5: a 1x1 lateral convolution at each level, the coarser level upsampled
 * and added, a 3x3 output convolution. All levels have the same channels.
 */
final class Fpn {
    private final ResNet bottomUp;
    private final List<Conv2d> laterals = new ArrayList<>();
    private final List<Conv2d> outputs = new ArrayList<>();
    private final boolean average;

    Fpn(Parameters.Path path, ModelConfig config) {
        ModelConfig.Fpn f = config.fpn();
        Norm norm = Norm.parse(f.norm(), "MODEL.FPN.NORM");
        Parameters.Path bottomUpPath = path.at("bottom_up");
        // Published checkpoints list the pyramid first; names decide, order does not matter.
        bottomUp = new ResNet(bottomUpPath, config);
        for (int i = 0; i < 4; i++) {
            laterals.add(new Conv2d(path.at("fpn_lateral" + (i + 2)), bottomUp.channels()[i], f.outChannels(), 1, 1, norm));
            outputs.add(new Conv2d(path.at("fpn_output" + (i + 2)), f.outChannels(), f.outChannels(), 3, 1, norm));
        }
        average = f.fuseType().equals("avg");
    }

    /** images (N, H, W, 3), H and W multiples of 32, to p2 … p5: (N, H/4, W/4, C) … (N, H/32, W/32, C). */
    List<Variable> apply(Tape tape, Variable images, Runnable afterBackbone) {
        List<Variable> res = bottomUp.apply(tape, images);
        afterBackbone.run();
        Variable[] levels = new Variable[4];
        Variable top = null;
        for (int i = 3; i >= 0; i--) {
            Variable above = top;
            Conv2d layer = laterals.get(i);
            Variable in = res.get(i);
            top = tape.scoped(() -> {
                Variable lateral = layer.apply(tape, in, false);
                return above == null ? lateral : fuse(tape, UpsampleAdd.apply(tape, above, lateral));
            });
            levels[i] = outputs.get(i).apply(tape, top, false);
        }
        return List.of(levels);
    }

    private Variable fuse(Tape tape, Variable sum) {
        return average ? Scale.apply(tape, sum, 0.5) : sum;
    }
}
