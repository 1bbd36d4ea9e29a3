package org.sparsercnn.app;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.io.Checkpoints;
import org.sparsercnn.io.TrainingCheckpoint;
import org.sparsercnn.model.Initialization;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.train.TrainingState;
import org.sparsercnn.util.BadInput;

/** Puts into a model what its training begins with. */
final class StartingPoint {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");

    private final Config config;
    private final Start start;
    private final Weights weights;
    private final CategoryMap classes;
    private final Optional<Path> checkpoint;
    private final long iteration;

    /**
     * Finds the checkpoint to go on from, and refuses one of another model before anything is built.
     *
     * @param classes of the data
     */
    StartingPoint(Config config, Start start, Weights weights, Checkpoints checkpoints, CategoryMap classes) {
        this.config = config;
        this.start = start;
        this.weights = weights;
        this.classes = classes;
        this.checkpoint = start instanceof Start.Resumed ? checkpoints.latest() : Optional.empty();
        this.iteration = checkpoint.isPresent() ? checked(checkpoint.get()).iteration() + 1 : 0;
    }

    private TrainingCheckpoint checked(Path file) {
        TrainingCheckpoint saved = TrainingCheckpoint.read(file);
        Optional<CategoryMap> before = Categories.in(file, saved.state());
        if (before.isPresent() && !before.get().names().equals(classes.names())) {
            throw BadInput.of("%s: cannot be resumed on this data: it was trained on the classes %s, the data has %s. Resume with the data the"
                    + " run was started with, or start anew from its weights with --init-from.", file, before.get().names(), classes.names());
        }
        String text = saved.state().path(Replica.CONFIG).asText("");
        if (!text.isEmpty()) {
            ConfigChanges.check(file, text, config);
        }
        return saved;
    }

    /** The first iteration: 0, or the one after the checkpoint's. */
    long iteration() {
        return iteration;
    }

    /**
     * @param main whether this is the one replica that loads weights and tells so; the others get them afterwards
     * @return what else the checkpoint to go on from holds; empty for a run that begins
     */
    Optional<ObjectNode> fill(SparseRcnn model, TrainingState state, long seed, boolean main) {
        Initialization.apply(model, seed);
        if (checkpoint.isPresent()) {
            ObjectNode rest = restore(model, state, checkpoint.get());
            if (main) {
                LOG.info("Resuming from {} at iteration {}", checkpoint.get(), iteration);
            }
            return Optional.of(rest);
        }
        if (main) {
            switch (start) {
                case Start.Resumed _ -> {
                    LOG.info("--resume: no checkpoint in {} yet, so the run starts anew", config.outputDir());
                    weights.start(model, config.model().weights());
                }
                case Start.InitFrom(String named) -> weights.initFrom(model, named, classes);
                case Start.Configured _ -> weights.start(model, config.model().weights());
            }
        }
        return Optional.empty();
    }

    private static ObjectNode restore(SparseRcnn model, TrainingState state, Path file) {
        TrainingCheckpoint saved = TrainingCheckpoint.read(file); // not kept: the mapping would hold the disk space of a deleted file
        Set<String> foreign = new HashSet<>(saved.model().tensors().keySet());
        model.parameters().all().stream().map(Parameter::name).forEach(foreign::remove);
        if (!foreign.isEmpty()) {
            throw BadInput.of("%s: the checkpoint does not fit this config: it has %s, the model has not. Resume with the config the run was"
                    + " started with, or start anew with --init-from.", file, foreign.stream().sorted().findFirst().orElseThrow());
        }
        try {
            state.restore(saved);
            return saved.state();
        } catch (BadInput e) {
            throw new BadInput(file + ": " + e.getMessage(), e);
        }
    }
}
