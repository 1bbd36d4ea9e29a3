package org.sparsercnn.nn;

import org.sparsercnn.autograd.Variable;
import org.sparsercnn.tensor.Tensor;

/**
 * A tensor of a model under its published name: trained, frozen, or a buffer (statistics, which no gradient ever reaches).
 */
public final class Parameter {
    /** What it is and how checkpoints lay it out. */
    public enum Kind {
        /** As in memory. */
        WEIGHT,
        /** (Co, Ci, KH, KW) in checkpoints, (Co, KH, KW, Ci) in memory. */
        CONV_WEIGHT,
        /** State that is not trained, as in memory. */
        BUFFER
    }

    private final Parameters owner;
    private final String name;
    private final Kind kind;
    private Variable variable;
    private boolean statistic;

    Parameter(Parameters owner, String name, Kind kind, boolean statistic, Tensor value) {
        this.owner = owner;
        this.name = name;
        this.kind = kind;
        this.statistic = statistic;
        this.variable = kind == Kind.BUFFER ? Variable.constant(value) : Variable.leaf(value);
    }

    /** The model's parameters that this is one of. */
    public Parameters owner() {
        return owner;
    }

    public String name() {
        return name;
    }

    public Kind kind() {
        return kind;
    }

    public Variable variable() {
        return variable;
    }

    public Tensor value() {
        return variable.value();
    }

    /** Whether gradients change it. */
    public boolean trainable() {
        return variable.requiresGrad();
    }

    /** Whether it is a running statistic of a batch norm: training changes it on the way forward. */
    public boolean isRunningStatistic() {
        return statistic;
    }

    public boolean changesInTraining() {
        return trainable() || isRunningStatistic();
    }

    /** Nothing changes it from now on. */
    public void freeze() {
        variable.clearGradient();
        variable = variable.detach();
        statistic = false;
    }

    /** The shape that checkpoints give it. */
    public long[] publishedShape() {
        long[] s = value().shape().toArray();
        return kind == Kind.CONV_WEIGHT ? new long[] {s[0], s[3], s[1], s[2]} : s;
    }

    /** Sets the value from a checkpoint's layout. */
    public void setPublished(float[] values) {
        value().set(memoryOrder(values));
    }

    /** Values of one index along the first axis. */
    public int publishedRow() {
        return Math.toIntExact(value().shape().rank() == 0 ? 1 : value().elements() / value().size(0));
    }

    /**
     * Sets some rows of the value from a checkpoint's layout.
     *
     * @param from how many values stand before them
     */
    public void setPublished(long from, float[] rows) {
        value().reshape(value().elements()).narrow(0, from, rows.length).set(memoryOrder(rows));
    }

    /** The value in the checkpoint's layout. */
    public float[] published() {
        return publishedOrder(value().toFloats());
    }

    /** Anything of this parameter's shape (a gradient, an optimiser's moment) from memory's to the checkpoint's layout. */
    public float[] publishedOrder(float[] values) {
        return kind == Kind.CONV_WEIGHT ? reorder(values, false) : values;
    }

    /** The reverse of {@link #publishedOrder}. */
    public float[] memoryOrder(float[] values) {
        return kind == Kind.CONV_WEIGHT ? reorder(values, true) : values;
    }

    private float[] reorder(float[] from, boolean toMemory) {
        long[] s = value().shape().toArray();
        int taps = (int) (s[1] * s[2]);
        int ci = (int) s[3];
        int co = from.length / (taps * ci); // all output channels, or some
        float[] to = new float[from.length];
        for (int o = 0; o < co; o++) {
            for (int c = 0; c < ci; c++) {
                for (int t = 0; t < taps; t++) {
                    int published = (o * ci + c) * taps + t;
                    int memory = (o * taps + t) * ci + c;
                    to[toMemory ? memory : published] = from[toMemory ? published : memory];
                }
            }
        }
        return to;
    }

    @Override
    public String toString() {
        return name + value().shape();
    }
}
