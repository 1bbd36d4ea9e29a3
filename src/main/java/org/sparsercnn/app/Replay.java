package org.sparsercnn.app;

import java.nio.file.Path;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Device;
import org.sparsercnn.train.FailedStep;
import org.sparsercnn.train.GeneralFormat;
import org.sparsercnn.train.StepReplay;
import org.sparsercnn.train.StepResult;
import org.sparsercnn.util.GuardStop;

/** {@code train --replay}: takes the step that ended a run once more, in fp32, and says where its numbers cease to be finite. */
public final class Replay {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.replay");

    private Replay() {}

    /**
     * @param file that the run left as it stopped
     * @param overrides {@code KEY VALUE …} over the run's config
     * @throws GuardStop if the step still has no finite result
     */
    public static void run(Path file, DeviceChoice device, List<String> overrides) {
        FailedStep failed = FailedStep.read(file);
        Config config = Config.ofDump(failed.config(), file.toString()).with(overrides.toArray(String[]::new));
        device.check(config, 1);
        try (Device opened = device.open(config, 0, 1)) {
            LOG.info("Iteration {} once more, in fp32 on {}; lr {}", failed.iteration(), opened.name(), GeneralFormat.of(failed.lr(), 5));
            failed.batch().forEach(Replay::describe);
            if (failed.queuedBehind() > 0) {
                LOG.warn("{} more steps were queued when this one's result came; where they changed the weights, these are later ones", failed.queuedBehind());
            }
            StepReplay.Outcome outcome = StepReplay.take(failed, config, opened);
            terms(failed.result(), outcome.result());
            if (outcome.place().isPresent()) {
                throw new GuardStop("iteration " + failed.iteration() + " is not finite: " + outcome.place().get());
            }
            LOG.info("The step is finite now: the run computed in another type or on another device, other replicas took part, or the config differs.");
        }
    }

    private static void describe(Sample s) {
        LOG.info("image id {}: {}, {}x{} pixels of {}x{}, {} objects", s.imageId(), s.file(), s.image().width(), s.image().height(),
                s.original().width(), s.original().height(), s.classes().length);
    }

    private static void terms(StepResult then, StepResult now) {
        now.losses().forEach((name, value) -> LOG.info("{}: {} (in the run: {})", name, value, then.losses().get(name)));
        LOG.info("total_loss: {} (in the run: {})", now.total(), then.total());
        LOG.info("gradient norm: {} (in the run: {})", now.gradientNorm(), then.gradientNorm());
    }
}
