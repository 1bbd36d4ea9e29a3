package org.sparsercnn.model;

import java.util.List;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.config.ModelConfig;
import org.sparsercnn.device.DType;
import org.sparsercnn.op.NormalizeImage;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * Images as the network takes them: normalised, padded at the right and bottom with zeros to a common size.
 *
 * @param pixels (N, H, W, 3), H and W multiples of 32
 * @param whwh (N, 4): width, height, width, height of each image before padding
 */
public record ImageBatch(Variable pixels, Tensor whwh) {
    /** Strides of the pyramid's coarsest level; detectron2's size divisibility. */
    private static final int DIVISIBLE_BY = 32;

    /**
     * One picture.
     *
     * @param bytes height * width * 3 values, channels in the order of INPUT.FORMAT
     */
    public record Picture(byte[] bytes, int width, int height) {}

    /** Copies the pictures to the device and normalises them there. */
    public static ImageBatch of(Tape tape, List<Picture> pictures, ModelConfig config) {
        int height = padded(pictures.stream().mapToInt(Picture::height).max().orElseThrow());
        int width = padded(pictures.stream().mapToInt(Picture::width).max().orElseThrow());
        Tensor pixels = tape.empty(pictures.size(), height, width, 3);
        float[] sizes = new float[4 * pictures.size()];
        double[] mean = config.pixelMean().stream().mapToDouble(Double::doubleValue).toArray();
        double[] std = config.pixelStd().stream().mapToDouble(Double::doubleValue).toArray();
        for (int i = 0; i < pictures.size(); i++) {
            Picture p = pictures.get(i);
            Tensor bytes = tape.scope().empty(DType.U8, Shape.of(p.height(), p.width(), 3));
            bytes.set(p.bytes());
            NormalizeImage.into(bytes, pixels, i, mean, std);
            sizes[4 * i] = sizes[4 * i + 2] = p.width();
            sizes[4 * i + 1] = sizes[4 * i + 3] = p.height();
        }
        return new ImageBatch(Variable.constant(pixels), tape.floats(sizes, pictures.size(), 4));
    }

    private static int padded(int size) {
        return Math.ceilDiv(size, DIVISIBLE_BY) * DIVISIBLE_BY;
    }
}
