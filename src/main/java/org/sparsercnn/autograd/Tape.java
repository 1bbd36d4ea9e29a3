package org.sparsercnn.autograd;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * One pass through a model: the memory its values live in, and, when recording, what backward needs.
 *
 * <p>An op computes its output and calls {@link #record} with its inputs, the tensors backward must keep, and the backward
 * function. Everything else it made is freed when the enclosing {@linkplain #scoped scope} ends; what it kept is freed as soon
 * as backward has used it.
 */
public final class Tape implements AutoCloseable {
    private enum Kind { TRAINING, STATISTICS, INFERENCE }

    private record Node(Variable output, Variable[] inputs, Tensor[] kept, Backward backward) {}

    private final Device device;
    private final Kind kind;
    private final Rng rng;
    private final DType compute;
    private final Prepared prepared;
    private final double momentum;
    private final Collective group;
    private BiConsumer<Tensor, List<Variable>> watcher; // mostly null
    private final List<Node> nodes = new ArrayList<>();
    private Scope scope;
    /** For one backward function after the other. */
    private final Scope passing;

    private Tape(Device device, Kind kind, Rng rng, DType compute, Prepared prepared, double momentum, Collective group) {
        this.device = device;
        this.kind = kind;
        this.rng = rng;
        this.compute = compute;
        this.prepared = prepared;
        this.momentum = momentum;
        this.group = group;
        this.scope = new Scope(device);
        this.passing = new Scope(device);
    }

    /** A tape that records for backward; norms and dropout behave as in training. */
    public static Tape training(Device device, Rng rng) {
        return training(device, rng, DType.F32);
    }

    /** @param compute see {@link #compute} */
    public static Tape training(Device device, Rng rng, DType compute) {
        return training(device, rng, compute, Collective.OF_ONE);
    }

    /** @param group see {@link #group} */
    public static Tape training(Device device, Rng rng, DType compute, Collective group) {
        return new Tape(device, Kind.TRAINING, rng, compute, null, Double.NaN, group);
    }

    /**
     * A tape that keeps nothing, though norms and dropout behave as in training.
     *
     * @param momentum share of this pass in running statistics, whatever the layers' own; 0 leaves them alone
     */
    public static Tape statistics(Device device, Rng rng, DType compute, double momentum) {
        return statistics(device, rng, compute, momentum, Collective.OF_ONE);
    }

    /** @param group see {@link #group} */
    public static Tape statistics(Device device, Rng rng, DType compute, double momentum, Collective group) {
        return new Tape(device, Kind.STATISTICS, rng, compute, null, momentum, group);
    }

    /** A tape that keeps nothing; norms and dropout behave as in evaluation. */
    public static Tape inference(Device device) {
        return inference(device, DType.F32, null);
    }

    /**
     * @param compute see {@link #compute}
     * @param prepared of the same weights and the same {@code compute}; null: everything is made anew
     */
    public static Tape inference(Device device, DType compute, Prepared prepared) {
        return new Tape(device, Kind.INFERENCE, new Rng(0), compute, prepared, Double.NaN, Collective.OF_ONE);
    }

    public Device device() {
        return device;
    }

    /** Whether norms and dropout behave as in training. */
    public boolean training() {
        return kind != Kind.INFERENCE;
    }

    /** The share that this pass has in the running statistics of a layer that would give it {@code usual}. */
    public double momentum(double usual) {
        return kind == Kind.STATISTICS ? momentum : usual;
    }

    /** The ranks that make this pass together, each with its share of a batch; mostly this one alone. */
    public Collective group() {
        return group;
    }

    public Rng rng() {
        return rng;
    }

    /**
     * The type of activations, and of the factors of products and convolutions: F32 or BF16. Parameters and their gradients,
     * boxes, costs, losses, statistics of norms and all sums are F32 always.
     */
    public DType compute() {
        return compute;
    }

    /** What {@code make} makes from {@code weight}: in inference once, as long as the weights do not change. */
    public Tensor prepared(Tensor weight, Supplier<Tensor> make) {
        return prepared == null ? make.get() : prepared.get(weight, make);
    }

    // Memory

    /** A new fp32 tensor with undefined contents, freed with the current scope. */
    public Tensor empty(long... sizes) {
        return scope.empty(Shape.of(sizes));
    }

    public Tensor empty(Shape shape) {
        return scope.empty(shape);
    }

    /** A new tensor with undefined contents, freed with the current scope. */
    public Tensor empty(DType type, Shape shape) {
        return scope.empty(type, shape);
    }

    public Tensor zeros(Shape shape) {
        Tensor t = scope.empty(shape);
        t.zero();
        return t;
    }

    /** A new fp32 tensor with these values, freed with the current scope. */
    public Tensor floats(float[] values, long... sizes) {
        return scope.hold(Tensor.of(device, values, sizes));
    }

    /** A new I32 vector with these values, freed with the current scope. */
    public Tensor ints(int[] values) {
        Tensor t = scope.empty(DType.I32, Shape.of(values.length));
        t.set(values);
        return t;
    }

    /** The current scope. */
    public Scope scope() {
        return scope;
    }

    /**
     * Runs {@code body} in a scope of its own; of what it makes, only its result and what was recorded live on. Blocks of a
     * network use this so that inference needs the memory of one block, not of all.
     */
    public Variable scoped(Supplier<Variable> body) {
        Scope outer = scope;
        try (Scope inner = new Scope(device)) {
            scope = inner;
            Variable result = body.get();
            inner.moveTo(outer, result.value());
            return result;
        } finally {
            scope = outer;
        }
    }

    // Recording

    /** From now on {@code watcher} is shown each op's result with the variables it was made of. */
    public void watch(BiConsumer<Tensor, List<Variable>> watcher) {
        this.watcher = watcher;
    }

    /**
     * Makes {@code y} a variable that depends on {@code inputs}.
     *
     * @param kept tensors that {@code backward} reads; the tape holds them until then
     */
    public Variable record(Tensor y, Variable[] inputs, Tensor[] kept, Backward backward) {
        if (watcher != null) {
            watcher.accept(y, List.of(inputs));
        }
        boolean needed = false;
        for (Variable in : inputs) {
            needed |= in.requiresGrad();
        }
        if (kind != Kind.TRAINING || !needed) {
            return Variable.constant(y);
        }
        for (Tensor t : kept) {
            t.retain();
        }
        for (Variable in : inputs) {
            in.use();
        }
        Variable output = new Variable(y, true, false);
        nodes.add(new Node(output, inputs, kept, backward));
        return output;
    }

    /** The same elements under another shape. */
    public Variable reshape(Variable x, long... sizes) {
        Shape back = x.shape();
        return record(x.value().reshape(sizes), new Variable[] {x}, new Tensor[0], dy -> new Tensor[] {dy.reshape(back)});
    }

    // Backward

    /**
     * Walks the tape backward from {@code roots} and empties it; leaves gather gradients.
     *
     * @param seeds d loss / d root for each root
     * @param ready called for each leaf when its gradient is complete
     */
    public void backward(List<Variable> roots, List<Tensor> seeds, Accumulate accumulate, Consumer<Variable> ready) {
        for (int i = 0; i < roots.size(); i++) {
            if (roots.get(i).requiresGrad()) {
                accumulate(roots.get(i), seeds.get(i), accumulate);
            }
        }
        while (!nodes.isEmpty()) {
            step(nodes.removeLast(), accumulate, ready);
        }
    }

    private void step(Node node, Accumulate accumulate, Consumer<Variable> ready) {
        Scope outer = scope;
        scope = passing;
        try {
            Tensor dy = node.output().grad();
            if (dy != null) {
                Tensor[] grads = node.backward().apply(dy);
                for (int i = 0; i < grads.length; i++) {
                    if (grads[i] != null && node.inputs()[i].requiresGrad()) {
                        accumulate(node.inputs()[i], grads[i], accumulate);
                    }
                }
                node.output().clearGradient();
            }
        } finally {
            scope = outer;
            passing.close();
        }
        forget(node, ready);
    }

    private void accumulate(Variable v, Tensor g, Accumulate accumulate) {
        if (!g.shape().equals(v.shape()) || g.dtype() != v.value().dtype()) {
            throw new IllegalStateException("gradient " + g + " for a value " + v.value());
        }
        if (v.grad() == null) {
            v.takeGradient(g.retain());  // perhaps shared with another variable, so it is never written to
        } else {
            Tensor sum = accumulate.add(v.grad(), g).retain();
            v.clearGradient();
            v.takeGradient(sum);
        }
    }

    private void forget(Node node, Consumer<Variable> ready) {
        for (Tensor t : node.kept()) {
            t.release();
        }
        for (Variable in : node.inputs()) {
            if (in.used() && in.isLeaf() && in.requiresGrad()) {
                ready.accept(in);
            }
        }
    }

    /** Frees everything, whether or not backward ran. */
    @Override
    public void close() {
        for (Node node : nodes) {
            node.output().clearGradient();
            forget(node, _ -> {});
        }
        nodes.clear();
        scope.close();
    }
}
