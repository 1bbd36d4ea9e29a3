package org.sparsercnn.train;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.sparsercnn.autograd.Prepared;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.data.InferenceSampler;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Readback;
import org.sparsercnn.loss.SetCriterion;
import org.sparsercnn.loss.Target;
import org.sparsercnn.model.ImageBatch;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * The training losses of all stages on images that are not trained on (TEST.VALIDATION_LOSS): the mean over images of each one's
 * losses, in inference mode. It does not depend on how many ranks share the images.
 */
public final class ValidationLoss {
    private static final String PREFIX = "val/";

    private final SparseRcnn model;
    private final Collective group;
    private final DType compute;
    private final SetCriterion criterion;

    /** @param compute F32 or BF16 */
    public ValidationLoss(SparseRcnn model, Collective group, DType compute) {
        this.model = model;
        this.group = group;
        this.compute = compute;
        this.criterion = new SetCriterion(model.config().sparseRcnn());
    }

    /**
     * Every rank calls it with the same weights and its share of the images.
     *
     * @param images in all shares together, at least one
     * @param share this rank's images, in the order of {@link InferenceSampler}, scaled as for a test
     * @param stop asked before each batch of the share; true gives up
     * @return {@code val/total_loss}, {@code val/loss_ce} and so on, on every rank; empty if some rank gave up
     */
    public Map<String, Double> measure(int images, Iterator<List<Sample>> share, BooleanSupplier stop) {
        int terms = criterion.names().size();
        int columns = terms + 1; // the last one counts the image
        try (Scope scope = new Scope(model.device()); Prepared prepared = new Prepared()) {
            Tensor all = scope.empty(Shape.of(images, columns));
            all.zero();
            long row = new InferenceSampler(images, group.rank(), group.size()).begin();
            while (share.hasNext() && !stop.getAsBoolean()) {
                for (Sample sample : share.next()) {
                    group.getsOn();
                    losses(sample, prepared, all.narrow(0, row++, 1).reshape(columns));
                }
            }
            group.allReduceSum(all, all.elements()); // zeros are added: exact
            try (Readback readback = model.device().read(all, all.bytes())) {
                return means(group.await(readback).toArray(ValueLayout.JAVA_FLOAT), images, columns);
            }
        }
    }

    /** @param target (terms + 1) */
    private void losses(Sample sample, Prepared prepared, Tensor target) {
        int terms = criterion.names().size();
        try (Tape tape = Tape.inference(model.device(), compute, prepared)) {
            ImageBatch image = Samples.batch(tape, List.of(sample), model);
            List<SetCriterion.Prediction> stages = new ArrayList<>();
            for (SparseRcnn.Stage s : model.apply(tape, image)) {
                stages.add(new SetCriterion.Prediction(s.logits(), s.boxesXyxyPx()));
            }
            List<Target> truth = Samples.targets(List.of(sample));
            Tensor objects = tape.floats(new float[] {sample.classes().length}, 1);
            SetCriterion.Losses losses = criterion.apply(tape, stages, truth, image.whwh(), criterion.divisors(truth, objects, 1));
            target.narrow(0, 0, terms).copyFrom(losses.terms().narrow(0, 0, terms));
            target.narrow(0, terms, 1).copyFrom(tape.floats(new float[] {1}, 1));
        }
    }

    private Map<String, Double> means(float[] all, int images, int columns) {
        double[] sums = new double[columns];
        for (int i = 0; i < all.length; i++) {
            sums[i % columns] += all[i];
        }
        Map<String, Double> means = new LinkedHashMap<>();
        if (sums[columns - 1] != images) {
            return means;
        }
        double total = 0;
        means.put(PREFIX + "total_loss", total);
        for (int i = 0; i < columns - 1; i++) {
            means.put(PREFIX + criterion.names().get(i), sums[i] / images);
            total += sums[i] / images;
        }
        means.put(PREFIX + "total_loss", total);
        return means;
    }
}
