package org.sparsercnn.model;

import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.tensor.Shape;

/**
 * First values of every parameter, chosen by its name. (The published code fills every tensor of the head whose last axis
 * happens to equal the number of classes with the classification bias; names make that impossible here.)
 *
 * <p>Each parameter draws from a generator keyed by (seed, name), so the values do not depend on what else a model has.
 */
public final class Initialization {
    /** Values written at a time, about. */
    private static final int CHUNK = 1 << 14;

    private Initialization() {}

    /** Fills all parameters and buffers of {@code model}. */
    public static void apply(SparseRcnn model, long seed) {
        double prior = model.config().sparseRcnn().priorProb();
        boolean focal = model.config().sparseRcnn().useFocal();
        for (Parameter p : model.parameters().all()) {
            var random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L ^ hash(p.name()));
            fill(p, values(p, random, focal ? -Math.log((1 - prior) / prior) : Double.NaN));
        }
    }

    /** The values of {@code p} one after another, in the checkpoint's order. */
    private static DoubleSupplier values(Parameter p, SplittableRandom random, double classBias) {
        Shape shape = Shape.of(p.publishedShape());
        String name = p.name();
        if (name.equals("init_proposal_boxes.weight")) {
            // Every box is the whole image: centre and size in units of the image.
            int[] at = {0};
            return () -> at[0]++ % 4 < 2 ? 0.5 : 1;
        } else if (name.equals("init_proposal_features.weight")) {
            return random::nextGaussian;
        } else if (name.endsWith("class_logits.bias") && !Double.isNaN(classBias)) {
            return () -> classBias;
        } else if (name.endsWith("running_var") || isNormWeight(p)) {
            return () -> 1;
        } else if (name.endsWith("running_mean") || isNormBias(p) || name.endsWith("in_proj_bias") || name.endsWith("out_proj.bias")) {
            return () -> 0;
        } else if (p.kind() == Parameter.Kind.CONV_WEIGHT) {
            long taps = shape.size(2) * shape.size(3);
            if (name.contains(".fpn_")) { // c2_xavier_fill: uniform over +-sqrt(3 / fan_in)
                return uniform(random, Math.sqrt(3.0 / (shape.size(1) * taps)));
            }
            double std = Math.sqrt(2.0 / (shape.size(0) * taps)); // c2_msra_fill: normal with variance 2 / fan_out
            return () -> random.nextGaussian() * std;
        } else if (name.contains(".fpn_")) {
            return () -> 0;
        } else if (shape.rank() > 1) { // xavier_uniform
            return uniform(random, Math.sqrt(6.0 / (shape.size(0) + shape.size(1))));
        }
        return uniform(random, 1 / Math.sqrt(fanIn(p))); // torch.nn.Linear's bias: uniform over +-1 / sqrt(fan_in)
    }

    private static DoubleSupplier uniform(SplittableRandom random, double bound) {
        return () -> random.nextDouble(-bound, bound);
    }

    private static boolean isNormWeight(Parameter p) {
        return p.name().endsWith(".weight") && p.value().shape().rank() == 1;
    }

    /** A bias whose weight has one axis belongs to a norm. */
    private static boolean isNormBias(Parameter p) {
        return p.name().endsWith(".bias") && p.owner().get(weightName(p)).value().shape().rank() == 1;
    }

    private static double fanIn(Parameter p) {
        return p.owner().get(weightName(p)).value().size(1);
    }

    private static String weightName(Parameter p) {
        return p.name().substring(0, p.name().length() - "bias".length()) + "weight";
    }

    /** Some rows at a time: a large model's values would otherwise pass through the Java heap as a whole, and swell it. */
    private static void fill(Parameter p, DoubleSupplier values) {
        int row = p.publishedRow();
        float[] rows = new float[row * Math.max(1, CHUNK / row)];
        long n = p.value().elements();
        for (long from = 0; from < n; from += rows.length) {
            if (n - from < rows.length) {
                rows = new float[(int) (n - from)];
            }
            for (int i = 0; i < rows.length; i++) {
                rows[i] = (float) values.getAsDouble();
            }
            p.setPublished(from, rows);
        }
    }

    /** FNV-1a over the name's characters. */
    private static long hash(String name) {
        long h = 0xcbf29ce484222325L;
        for (int i = 0; i < name.length(); i++) {
            h = (h ^ name.charAt(i)) * 0x100000001b3L;
        }
        return h;
    }
}
