package org.sparsercnn.op;

import org.sparsercnn.device.DType;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/** An 8-bit image into its place in a batch: {@code (x - mean) / std}, zeros to its right and below (after normalisation). */
public final class NormalizeImage {
    private static final Kernel FWD =
            Kernel.of("normalize_image_fwd_f32", "x y h w slot_h slot_w mean0 mean1 mean2 std0 std1 std2");

    private NormalizeImage() {}

    /**
     * @param image U8 (h, w, 3); the order of its channels is that of {@code mean} and {@code std}
     * @param batch (N, H, W, 3) with h ≤ H and w ≤ W; image {@code index} is overwritten whole
     */
    public static void into(Tensor image, Tensor batch, long index, double[] mean, double[] std) {
        long h = image.size(0);
        long w = image.size(1);
        Tensor slot = batch.narrow(0, index, 1);
        if (image.dtype() != DType.U8 || image.size(2) != 3 || h > slot.size(1) || w > slot.size(2)) {
            throw new IllegalArgumentException("normalize: image " + image + " into " + slot);
        }
        batch.device().kernel(FWD).ptr(image).ptr(slot).i64(h).i64(w).i64(slot.size(1)).i64(slot.size(2))
                .f64(mean[0]).f64(mean[1]).f64(mean[2]).f64(std[0]).f64(std[1]).f64(std[2]).overRows(slot.size(1));
    }
}
