package org.sparsercnn.train;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.data.Sample;
import org.sparsercnn.model.ImageBatch;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.tensor.Tensor;

/** Where in a model numbers cease to be finite, found by another forward pass over the batch that failed. */
final class NonFinitePlace {
    private NonFinitePlace() {}

    /** The first place in the order of computation, and the weight of largest size, which is often the cause. */
    static String describe(SparseRcnn model, List<Sample> batch) {
        List<Sized> sizes = model.parameters().all().stream().map(p -> new Sized(p.name(), largest(p))).toList();
        Optional<Sized> broken = sizes.stream().filter(s -> !Float.isFinite(s.largest)).findFirst();
        if (broken.isPresent()) {
            return "first not finite: the parameter " + broken.get().name;
        }
        Sized largest = sizes.stream().max(Comparator.comparing(Sized::largest)).orElseThrow();
        return "first not finite: " + inForward(model, batch) + "; largest weight: " + largest.name + " with "
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

    private static String inForward(SparseRcnn model, List<Sample> batch) {
        try (Tape tape = Tape.inference(model.device())) {
            ImageBatch images = Samples.batch(tape, batch, model);
            if (!finite(images.pixels().value())) {
                return "the normalised pixels (MODEL.PIXEL_MEAN, MODEL.PIXEL_STD)";
            }
            List<SparseRcnn.Stage> stages = model.apply(tape, images);
            for (int i = 0; i < stages.size(); i++) {
                String name = "head.head_series." + i + (i == 0 ? " or the backbone before it" : "");
                SparseRcnn.Stage stage = stages.get(i);
                if (!finite(stage.features().value()) || !finite(stage.logits().value()) || !finite(stage.boxesXyxyPx().value())) {
                    return name;
                }
            }
            return "the losses or a gradient; the forward pass alone is finite";
        }
    }

    private static boolean finite(Tensor t) {
        for (float v : t.toFloats()) {
            if (!Float.isFinite(v)) {
                return false;
            }
        }
        return true;
    }
}
