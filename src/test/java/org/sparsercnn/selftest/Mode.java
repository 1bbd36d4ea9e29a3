package org.sparsercnn.selftest;

import java.util.Locale;
import org.sparsercnn.device.DType;

/**
 * In what a device computes, and how far its results may be from those of fp32 on a CPU.
 *
 * <p>In fp32 two devices differ in the order of sums alone, so each element is held to a bound. With rounded factors an element
 * near a kink (ReLU, a maximum) may fall on its other side, where its gradient is another one altogether; so tensors are compared
 * as wholes there: the root of the mean square of the differences against that of the values.
 */
public enum Mode {
    /**
     * Four times what CPU kernels are held to against float64 and the recorded numbers: a GPU sums in another order, in shorter
     * runs, and cuDNN may choose Winograd's transforms, which cost about two bits.
     */
    FP32(DType.F32, 4, 4),
    /**
     * Factors keep 11 bits: each is off by at most 2^-12 of itself, 1.4e-4 in the mean, and a product or a sum of products by
     * 2e-4 to 5e-4. Four products and a softmax in a row (attention) showed 4e-3 when a CPU rounded so; and gradients, a thousandth
     * of which is on the other side of a kink inside the op, 4e-2 (dynamic convolution).
     */
    TF32(DType.F32, 1e-2, 1e-1),
    /**
     * Factors and results keep 8 bits, from inputs that are rounded for both. A result is off by 2^-9 of itself at most, 1.7e-3 in
     * the mean; with what happens inside an op a CPU showed 3e-3, and 4e-2 for gradients that kinks decide (max pooling).
     */
    BF16(DType.BF16, 3e-2, 1.5e-1);

    private final DType compute;
    private final double outputs;
    private final double gradients;

    Mode(DType compute, double outputs, double gradients) {
        this.compute = compute;
        this.outputs = outputs;
        this.gradients = gradients;
    }

    /** The type of activations. */
    public DType compute() {
        return compute;
    }

    /** FP32: how many times the CPU's bound an output may be off; others: relative to the tensor's size. */
    public double outputs() {
        return outputs;
    }

    /** The same for gradients. */
    public double gradients() {
        return gradients;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
