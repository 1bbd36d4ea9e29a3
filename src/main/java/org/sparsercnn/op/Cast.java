package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/** The same numbers in another type, F32 or BF16; to BF16 they are rounded to nearest, ties to even. */
public final class Cast {
    private static final Kernel TO_BF16 = Kernel.of("cast_f32_to_bf16", "x y n");
    private static final Kernel TO_F32 = Kernel.of("cast_bf16_to_f32", "x y n");

    private Cast() {}

    /** {@code in} itself where it has that type. The gradient is cast back. */
    public static Variable apply(Tape tape, Variable in, DType type) {
        DType from = in.value().dtype();
        if (from == type) {
            return in;
        }
        Variable x = Permute.dense(tape, in);
        return tape.record(cast(tape, x.value(), type), new Variable[] {x}, new Tensor[0],
                dy -> new Tensor[] {cast(tape, dy, from)});
    }

    /** In fp32, as boxes, losses and costs are computed. */
    public static Variable toF32(Tape tape, Variable in) {
        return apply(tape, in, DType.F32);
    }

    /** In the type the tape computes in, dense, as products and convolutions take their inputs. */
    static Variable factor(Tape tape, Variable in) {
        return Permute.dense(tape, apply(tape, in, tape.compute()));
    }

    /** A weight or bias in the type the tape computes in; itself where that is its own. Dense. */
    static Tensor weight(Tape tape, Tensor weight) {
        return weight.dtype() == tape.compute() ? weight : tape.prepared(weight, () -> cast(tape, weight, tape.compute()));
    }

    /** A dense tensor in another type. */
    static Tensor cast(Tape tape, Tensor x, DType type) {
        if (x.dtype() == type) {
            return x;
        }
        Tensor y = tape.empty(type, x.shape());
        into(x, y);
        return y;
    }

    /** Overwrites {@code y} with the elements of {@code x} in its own type, the other one; both dense. */
    public static void into(Tensor x, Tensor y) {
        if (x.dtype() == y.dtype() || x.elements() != y.elements() || !x.isDense() || !y.isDense()) {
            throw new IllegalArgumentException("cast of " + x + " into " + y);
        }
        x.device().kernel(y.dtype() == DType.BF16 ? TO_BF16 : TO_F32).ptr(x).ptr(y).i64(x.elements()).overElements(x.elements());
    }
}
