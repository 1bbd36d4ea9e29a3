package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Launch;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * Maximum over square windows in NHWC, as {@code torch.nn.functional.max_pool2d}: padding never wins, a NaN always does, and
 * the gradient goes to the first maximum in row-major order. {@code size} 1 with stride 2 makes a pyramid's last level.
 */
public final class MaxPool {
    private static final Kernel FWD = Kernel.of("max_pool_fwd_f32", "x y tap h w c size stride pad oh ow");
    private static final Kernel BWD = Kernel.of("max_pool_bwd_f32", "dy tap dx h w c size stride pad oh ow");

    private MaxPool() {}

    /**
     * @param in (N, H, W, C)
     * @param size of the window, at most 15
     * @param pad on every side, at most half of {@code size}
     * @return (N, OH, OW, C)
     */
    public static Variable apply(Tape tape, Variable in, int size, int stride, int pad) {
        Variable x = Permute.dense(tape, in);
        Shape from = x.shape();
        long oh = (from.size(1) + 2 * pad - size) / stride + 1;
        long ow = (from.size(2) + 2 * pad - size) / stride + 1;
        if (size < 1 || size > 15 || 2 * pad > size || from.size(1) + 2 * pad < size || from.size(2) + 2 * pad < size) {
            throw new IllegalArgumentException("max pool of " + x.value() + " with size " + size + ", padding " + pad);
        }
        DType type = x.value().dtype();
        Tensor y = tape.empty(type, Shape.of(from.size(0), oh, ow, from.size(3)));
        boolean backward = tape.training() && x.requiresGrad();
        Tensor tap = backward ? tape.empty(DType.U8, y.shape()) : null;
        geometry(tape.device().kernel(FWD.over(type)).ptr(x.value()).ptr(y).ptr(tap), from, size, stride, pad, oh, ow)
                .overRows(from.size(0) * oh * ow);
        return tape.record(y, new Variable[] {x}, backward ? new Tensor[] {tap} : new Tensor[0], dy -> {
            Tensor dx = tape.empty(type, from);
            geometry(tape.device().kernel(BWD.over(type)).ptr(dy).ptr(tap).ptr(dx), from, size, stride, pad, oh, ow)
                    .overRows(from.size(0) * from.size(1) * from.size(2));
            return new Tensor[] {dx};
        });
    }

    private static Launch geometry(Launch launch, Shape from, int size, int stride, int pad, long oh, long ow) {
        return launch.i64(from.size(1)).i64(from.size(2)).i64(from.size(3)).i64(size).i64(stride).i64(pad).i64(oh).i64(ow);
    }
}
