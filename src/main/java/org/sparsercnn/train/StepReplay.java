package org.sparsercnn.train;

import java.util.Arrays;
import java.util.Optional;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.io.HostTensor;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.util.BadInput;

/**
 * Takes a failed step once more, in fp32, on one rank alone: with the same images, weights and random numbers. A synchronised batch
 * norm then has the statistics of that rank's images.
 */
public final class StepReplay {
    /**
     * @param result what came of it now
     * @param place where numbers cease to be finite; empty if they do not
     */
    public record Outcome(StepResult result, Optional<String> place) {}

    private StepReplay() {}

    /** @throws BadInput if the weights do not fit the config */
    public static Outcome take(FailedStep failed, Config config, Device device) {
        Rng rng = new Rng(failed.seed());
        try (SparseRcnn model = new SparseRcnn(device, config.model()); TrainingState state = new TrainingState(model, config, rng)) {
            load(failed, model);
            state.begin(Collective.OF_ONE);
            TrainingStep step = new TrainingStep(model, state, Collective.OF_ONE, DType.F32, new Accumulation(config.solver().accumulationSteps()));
            Attempt attempt = failed.attempt();
            step.restart(attempt.randomCounter());
            StepResult result = step.run(attempt.batch(), attempt.objects(), attempt.lr(), false).await();
            return new Outcome(result, result.finite() ? Optional.empty() : Optional.of(NonFinitePlace.describe(step, attempt)));
        }
    }

    private static void load(FailedStep failed, SparseRcnn model) {
        for (Parameter p : model.parameters().all()) {
            HostTensor t = failed.weights().get(p.name());
            if (t == null || !Arrays.equals(t.shape(), p.publishedShape())) {
                throw BadInput.of("the step's weights do not fit its config: %s is %s, wanted %s; replay it without overrides", p.name(),
                        t == null ? "missing" : Arrays.toString(t.shape()), Arrays.toString(p.publishedShape()));
            }
            p.setPublished(t.toFloats());
        }
    }
}
