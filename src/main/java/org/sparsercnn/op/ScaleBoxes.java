package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/** The learned proposal boxes, which are fractions of an image, laid out on every image of a batch. */
public final class ScaleBoxes {
    private static final Kernel FWD = Kernel.of("scale_boxes_fwd_f32", "x size y n p");
    private static final Kernel BWD = Kernel.of("scale_boxes_bwd_f32", "dy size dx n p");

    private ScaleBoxes() {}

    /**
     * @param boxesCxcywhUnit (P, 4)
     * @param imageSize (N, 4): width, height, width, height of each image in pixels
     * @return boxesXyxyPx (N, P, 4)
     */
    public static Variable apply(Tape tape, Variable boxesCxcywhUnit, Tensor imageSize) {
        Variable x = Permute.dense(tape, boxesCxcywhUnit);
        long n = imageSize.size(0);
        long p = x.shape().size(0);
        Tensor y = tape.empty(n, p, 4);
        tape.device().kernel(FWD).ptr(x.value()).ptr(imageSize).ptr(y).i64(n).i64(p).overElements(n * p);
        return tape.record(y, new Variable[] {x}, new Tensor[] {imageSize}, dy -> {
            Tensor dx = tape.empty(x.shape());
            tape.device().kernel(BWD).ptr(dy).ptr(imageSize).ptr(dx).i64(n).i64(p).overElements(p);
            return new Tensor[] {dx};
        });
    }
}
