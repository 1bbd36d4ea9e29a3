package org.sparsercnn.op;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Launch;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * RoIAlign (He et al., ICCV 2017) over the levels of a feature pyramid, as detectron2's {@code ROIPooler} does it: each box is
 * pooled from the level its size asks for. Boxes get no gradient, as published.
 *
 * <p>Values the published code leaves undefined: a box with NaN, or with one inverted side when there are several levels,
 * pools zeros, and so does a sample at a position that is not a number.
 */
public final class RoiAlign {
    private static final int MAX_LEVELS = 4;
    private static final Kernel LEVEL = Kernel.of("roi_align_level_f32", "boxes levels n min_level max_level");
    private static final String SHAPES = " h0 h1 h2 h3 w0 w1 w2 w3 scale0 scale1 scale2 scale3 c rois per_image output sampling aligned";
    private static final Kernel FWD = Kernel.of("roi_align_fwd_f32", "x0 x1 x2 x3 boxes levels image y" + SHAPES);
    private static final Kernel FWD_VECTOR = Kernel.of("roi_align_fwd_vector_f32", "x0 x1 x2 x3 boxes levels image y" + SHAPES);
    private static final Kernel BWD = Kernel.of("roi_align_bwd_f32",
            "dy boxes levels image dx h w c level scale rois per_image output sampling aligned");
    private static final Kernel BWD_ATOMIC = Kernel.of("roi_align_bwd_atomic_f32", "dy boxes levels image dx0 dx1 dx2 dx3" + SHAPES);
    /** Threads of a block of the kernels that move 16 bytes a thread: 28 warps of 72 registers share a multiprocessor. */
    private static final int VECTOR_THREADS = 128;

    /**
     * @param output bins along each side
     * @param samplingRatio samples along each side of a bin; 0: as many as the bin has pixels, rounded up
     * @param aligned pixel centres lie at half integers (ROIAlignV2)
     * @param strides of the levels, finest first, powers of two that double; at most 4
     */
    public record Settings(int output, int samplingRatio, boolean aligned, List<Integer> strides) {
        public Settings {
            strides = List.copyOf(strides);
            if (strides.isEmpty() || strides.size() > MAX_LEVELS) {
                throw new IllegalArgumentException("1 to " + MAX_LEVELS + " levels, got strides " + strides);
            }
            for (int i = 0; i < strides.size(); i++) {
                if (Integer.bitCount(strides.get(i)) != 1 || strides.get(i) != strides.getFirst() << i) {
                    throw new IllegalArgumentException("strides must be powers of two that double from level to level: " + strides);
                }
            }
        }

        int minLevel() {
            return Integer.numberOfTrailingZeros(strides.getFirst());
        }
    }

    private RoiAlign() {}

    /**
     * @param levels (N, H, W, C) each, one per stride; F32 or BF16
     * @param boxesXyxyPx (N, P, 4), F32
     * @return (N * P, output, output, C), of the levels' type
     */
    public static Variable apply(Tape tape, List<Variable> levels, Tensor boxesXyxyPx, Settings settings) {
        return apply(tape, levels, boxesXyxyPx, null, settings);
    }

    /**
     * @param boxesXyxyPx (…, 4), R boxes in all
     * @param image I32 (R): the image of each box; null if every image has the same number of boxes, in order
     * @return (R, output, output, C)
     */
    public static Variable apply(Tape tape, List<Variable> levels, Tensor boxesXyxyPx, Tensor image, Settings settings) {
        if (levels.size() != settings.strides.size()) {
            throw new IllegalArgumentException(levels.size() + " levels for strides " + settings.strides);
        }
        Variable[] x = levels.stream().map(level -> Permute.dense(tape, level)).toArray(Variable[]::new);
        Call call = new Call(tape, x, boxesXyxyPx, x.length == 1 ? null : levels(tape, boxesXyxyPx, settings), image, settings);
        Tensor[] kept = Stream.of(call.boxes, call.level, image).filter(Objects::nonNull).toArray(Tensor[]::new);
        return tape.record(call.forward(), x, kept, call::backward);
    }

    /** One use of the op. */
    private record Call(Tape tape, Variable[] x, Tensor boxes, Tensor level, Tensor image, Settings settings) {
        DType type() {
            return x[0].value().dtype();
        }

        long channels() {
            return x[0].shape().size(3);
        }

        long rois() {
            return boxes.elements() / 4;
        }

        long perImage() {
            long images = x[0].shape().size(0);
            return images == 0 ? 0 : rois() / images;
        }

        /** Threads that a bin takes where each moves 16 bytes; 0 where channels cannot be dealt out like that. */
        long lanes() {
            long each = 16 / type().bytes();
            return channels() % each == 0 && channels() / each <= VECTOR_THREADS ? channels() / each : 0;
        }

        Tensor forward() {
            Tensor y = tape.empty(type(), Shape.of(rois(), settings.output, settings.output, channels()));
            Kernel vector = FWD_VECTOR.over(type());
            boolean fast = lanes() > 0 && tape.device().has(vector);
            Launch launch = tape.device().kernel(fast ? vector : FWD.over(type()));
            for (int i = 0; i < MAX_LEVELS; i++) {
                launch.ptr(i < x.length ? x[i].value() : null);
            }
            shapes(launch.ptr(boxes).ptr(level).ptr(image).ptr(y));
            if (fast) {
                overBins(launch);
            } else {
                launch.overRows(rois() * settings.output);
            }
            return y;
        }

        private void shapes(Launch launch) {
            for (int axis = 1; axis <= 2; axis++) {
                for (int i = 0; i < MAX_LEVELS; i++) {
                    launch.i64(i < x.length ? x[i].shape().size(axis) : 0);
                }
            }
            for (int i = 0; i < MAX_LEVELS; i++) {
                launch.f64(i < x.length ? 1.0 / settings.strides.get(i) : 0);
            }
            launch.i64(channels()).i64(rois()).i64(perImage()).i64(settings.output).i64(settings.samplingRatio).flag(settings.aligned);
        }

        private void overBins(Launch launch) {
            long bins = rois() * settings.output * settings.output;
            launch.overBlocks(Math.ceilDiv(bins, VECTOR_THREADS / lanes()), VECTOR_THREADS, 0);
        }

        Tensor[] backward(Tensor dy) {
            return lanes() > 0 && tape.device().has(BWD_ATOMIC.over(type())) ? backwardAtomic(dy) : backwardByRows(dy);
        }

        private Tensor[] backwardByRows(Tensor dy) {
            Tensor[] grads = new Tensor[x.length];
            for (int i = 0; i < x.length; i++) {
                if (x[i].requiresGrad()) {
                    Shape shape = x[i].shape();
                    Tensor dx = tape.empty(shape);
                    tape.device().kernel(BWD.over(type())).ptr(dy).ptr(boxes).ptr(level).ptr(image).ptr(dx).i64(shape.size(1))
                            .i64(shape.size(2)).i64(channels()).i64(i).f64(1.0 / settings.strides.get(i)).i64(rois()).i64(perImage())
                            .i64(settings.output).i64(settings.samplingRatio).flag(settings.aligned)
                            .overRows(shape.size(0) * shape.size(1));
                    grads[i] = Cast.cast(tape, dx, type());
                }
            }
            return grads;
        }

        /** Adds to the gradients that the stages behind this one have left, where these are fp32 too. */
        private Tensor[] backwardAtomic(Tensor dy) {
            Tensor[] dx = new Tensor[MAX_LEVELS];
            Tensor[] grads = new Tensor[x.length];
            for (int i = 0; i < x.length; i++) {
                if (x[i].requiresGrad()) {
                    Tensor begun = x[i].grad();
                    boolean add = type() == DType.F32 && begun != null && begun.isHeldOnce();
                    dx[i] = add ? begun : tape.zeros(x[i].shape());
                    grads[i] = add ? null : dx[i];
                }
            }
            Launch launch = tape.device().kernel(BWD_ATOMIC.over(type())).ptr(dy).ptr(boxes).ptr(level).ptr(image);
            for (Tensor t : dx) {
                launch.ptr(t);
            }
            shapes(launch);
            overBins(launch);
            Arrays.setAll(grads, i -> grads[i] == null ? null : Cast.cast(tape, grads[i], type()));
            return grads;
        }
    }

    /** I32: the level of each box, counted from the finest; -1 for a box that has none. */
    static Tensor levels(Tape tape, Tensor boxesXyxyPx, Settings settings) {
        long n = boxesXyxyPx.elements() / 4;
        Tensor levels = tape.scope().empty(DType.I32, Shape.of(n));
        int min = settings.minLevel();
        tape.device().kernel(LEVEL).ptr(boxesXyxyPx).ptr(levels).i64(n).i64(min).i64(min + settings.strides.size() - 1).overElements(n);
        return levels;
    }
}
