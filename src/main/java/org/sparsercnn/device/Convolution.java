package org.sparsercnn.device;

/**
 * Shapes of a 2-D convolution: x (n, h, w, ci), weight (co, kh, kw, ci), y (n, oh, ow, co); square stride and padding.
 *
 * @param type of all tensors, bias and residual included: F32 or BF16; sums are fp32
 */
public record Convolution(long n, long h, long w, long ci, long co, long kh, long kw, long stride, long pad, DType type) {
    public long oh() {
        return (h + 2 * pad - kh) / stride + 1;
    }

    public long ow() {
        return (w + 2 * pad - kw) / stride + 1;
    }
}
