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

    /** The size to which pictures are padded: multiples of 32 that hold the largest. */
    public record Size(int images, int height, int width) {
        public static Size of(List<Picture> pictures) {
            return new Size(pictures.size(), padded(pictures.stream().mapToInt(Picture::height).max().orElseThrow()),
                    padded(pictures.stream().mapToInt(Picture::width).max().orElseThrow()));
        }

        private static int padded(int size) {
            return Math.ceilDiv(size, DIVISIBLE_BY) * DIVISIBLE_BY;
        }
    }

    /** Copies the pictures to the device and normalises them there. */
    public static ImageBatch of(Tape tape, List<Picture> pictures, ModelConfig config) {
        ImageBatch batch = empty(tape, Size.of(pictures));
        batch.fill(tape, pictures, config);
        return batch;
    }

    /** A batch to be filled. */
    public static ImageBatch empty(Tape tape, Size size) {
        return new ImageBatch(Variable.constant(tape.empty(size.images, size.height, size.width, 3)), tape.empty(size.images, 4));
    }

    /** Overwrites this batch with as many pictures, none of them larger than it. */
    public void fill(Tape tape, List<Picture> pictures, ModelConfig config) {
        double[] mean = config.pixelMean().stream().mapToDouble(Double::doubleValue).toArray();
        double[] std = config.pixelStd().stream().mapToDouble(Double::doubleValue).toArray();
        float[] sizes = new float[4 * pictures.size()];
        for (int i = 0; i < pictures.size(); i++) {
            Picture p = pictures.get(i);
            Tensor bytes = tape.empty(DType.U8, Shape.of(p.height(), p.width(), 3));
            bytes.set(p.bytes());
            NormalizeImage.into(bytes, pixels.value(), i, mean, std);
            sizes[4 * i] = sizes[4 * i + 2] = p.width();
            sizes[4 * i + 1] = sizes[4 * i + 3] = p.height();
        }
        whwh.set(sizes);
    }
}
