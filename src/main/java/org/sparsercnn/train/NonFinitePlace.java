package org.sparsercnn.train;

import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.DType;
import org.sparsercnn.model.ImageBatch;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.op.Cast;
import org.sparsercnn.op.Permute;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Tensor;

/** Where in a step numbers cease to be finite, found by taking it once more and looking at each op's result. */
final class NonFinitePlace {
    private static final StackWalker STACK = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);
    private static final String OPS = Permute.class.getPackageName();

    private final SparseRcnn model;
    private final Map<Variable, String> names = new IdentityHashMap<>();
    private String lastLayer;
    private String found;

    private NonFinitePlace(SparseRcnn model) {
        this.model = model;
        model.parameters().all().forEach(p -> names.put(p.variable(), p.name()));
    }

    /**
     * The first place in the order of computation, and the weight of largest size, which is often the cause.
     *
     * @param step on one rank alone, its random numbers where the attempt began
     */
    static String describe(TrainingStep step, Attempt attempt) {
        List<Sized> sizes = step.model().parameters().all().stream().map(p -> new Sized(p.name(), largest(p))).toList();
        Optional<Sized> broken = sizes.stream().filter(s -> !Float.isFinite(s.largest)).findFirst();
        if (broken.isPresent()) {
            return "first not finite: the parameter " + broken.get().name;
        }
        Sized largest = sizes.stream().max(Comparator.comparing(Sized::largest)).orElseThrow();
        return "first not finite: " + new NonFinitePlace(step.model()).inStep(step, attempt) + "; largest weight: " + largest.name + " with "
                + GeneralFormat.of(largest.largest, 3);
    }

    private record Sized(String name, float largest) {}

    private static float largest(Parameter p) {
        float max = 0;
        for (float v : p.published()) {
            max = Math.max(max, Math.abs(v)); // NaN stays
        }
        return max;
    }

    private String inStep(TrainingStep step, Attempt attempt) {
        step.restart(attempt.randomCounter());
        for (List<Sample> part : step.parts(attempt.batch())) {
            try (Tape tape = step.passWithoutTrace()) {
                ImageBatch images = Samples.part(tape, part, ImageBatch.Size.of(Samples.pictures(attempt.batch())), model);
                if (!isFinite(images.pixels().value())) {
                    return "the normalised pixels (MODEL.PIXEL_MEAN, MODEL.PIXEL_STD)";
                }
                tape.watch(this::look);
                model.apply(tape, images);
            }
            if (found != null) {
                return found;
            }
        }
        step.restart(attempt.randomCounter());
        try (Scope scope = new Scope(model.device())) {
            if (!Float.isFinite(step.gradients(scope, attempt.batch(), attempt.objects(), false).narrow(0, step.totalAt(), 1).item())) {
                return "the losses; the forward pass alone is finite";
            }
            String gradient = inGradients();
            model.parameters().clearGradients();
            return gradient;
        }
    }

    /** Backward goes from the last parameters to the first. */
    private String inGradients() {
        return model.parameters().trainable().reversed().stream().filter(p -> p.variable().grad() != null && !isFinite(p.variable().grad()))
                .findFirst().map(p -> "the gradient of " + p.name() + "; losses are finite")
                .orElse("nothing: taken once more, by this replica alone, the step is finite; the forward pass alone is finite");
    }

    /** An op's result: the first one that is not finite is remembered by the layer it belongs to. */
    private void look(Tensor y, List<Variable> inputs) {
        Optional<String> layer = inputs.stream().map(names::get).filter(n -> n != null).findFirst().map(NonFinitePlace::layerOf);
        lastLayer = layer.orElse(lastLayer);
        if (found == null && !isFinite(y)) {
            String op = STACK.walk(frames -> frames.map(StackWalker.StackFrame::getDeclaringClass).filter(c -> c.getPackageName().equals(OPS))
                    .map(c -> c.getNestHost().getSimpleName()).findFirst()).orElse("reshape");
            found = layer.map(name -> "the output of " + name + " (" + op + ")")
                    .orElse("the output of " + op + (lastLayer == null ? "" : " after " + lastLayer));
        }
    }

    /** A parameter's name without its last word; some of {@code torch}'s layers have compound ones. */
    private static String layerOf(String parameter) {
        return parameter.substring(0, parameter.lastIndexOf('.'));
    }

    private static boolean isFinite(Tensor t) {
        if (t.dtype() != DType.F32 && t.dtype() != DType.BF16) {
            return true;
        }
        try (Tape tape = Tape.inference(t.device())) {
            for (float v : Permute.dense(tape, Cast.toF32(tape, Variable.constant(t))).value().toFloats()) {
                if (!Float.isFinite(v)) {
                    return false;
                }
            }
        }
        return true;
    }
}
