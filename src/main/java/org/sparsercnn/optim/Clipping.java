package org.sparsercnn.optim;

import org.sparsercnn.util.BadInput;

/**
 * How gradients are kept small before an update ({@code SOLVER.CLIP_GRADIENTS}).
 *
 * @param value the largest absolute value or norm
 * @param normType p of the norm; the full-model norm is always the Euclidean one, as published
 */
public record Clipping(Type type, double value, double normType) {
    /** What is limited. */
    public enum Type {
        NONE,
        /** Every number: {@code clip_grad_value_}. */
        VALUE,
        /** The norm of each parameter's gradient: {@code clip_grad_norm_} one by one. */
        NORM,
        /** The norm over all gradients together. */
        FULL_MODEL
    }

    public static final Clipping NONE = new Clipping(Type.NONE, 0, 2);

    public Clipping {
        if (type == Type.NORM && !(normType > 0)) {
            throw new BadInput("SOLVER.CLIP_GRADIENTS.NORM_TYPE is " + normType + "; it must be above 0 (.inf for the largest value)");
        }
    }

    /** From the values of the config keys ENABLED, CLIP_TYPE, CLIP_VALUE and NORM_TYPE. */
    public static Clipping of(boolean enabled, String clipType, double clipValue, double normType) {
        if (!enabled) {
            return NONE;
        }
        return switch (clipType) {
            case "value" -> new Clipping(Type.VALUE, clipValue, normType);
            case "norm" -> new Clipping(Type.NORM, clipValue, normType);
            case "full_model" -> clipValue > 0 ? new Clipping(Type.FULL_MODEL, clipValue, 2) : NONE;
            default -> throw new BadInput("SOLVER.CLIP_GRADIENTS.CLIP_TYPE is '" + clipType + "'; it must be value, norm or full_model");
        };
    }

    /** p of the norm that is computed in any case, to see whether gradients are finite. */
    double norm() {
        return type == Type.NORM ? normType : 2;
    }

    double maxNorm() {
        return type == Type.NORM || type == Type.FULL_MODEL ? value : Double.POSITIVE_INFINITY;
    }

    double limit() {
        return type == Type.VALUE ? value : Double.POSITIVE_INFINITY;
    }
}
