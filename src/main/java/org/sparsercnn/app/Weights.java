package org.sparsercnn.app;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.io.CheckpointReader;
import org.sparsercnn.io.LoadedCheckpoint;
import org.sparsercnn.io.ModelState;
import org.sparsercnn.io.WeightsCache;
import org.sparsercnn.io.WeightsMatch;
import org.sparsercnn.io.WeightsMatcher;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.util.BadInput;

/** Weights that a config or an option names, into a model. */
final class Weights {
    private static final Logger LOG = LoggerFactory.getLogger(Weights.class);

    /** Of detectron2's addresses, those of backbones. */
    private static final String BACKBONES = "detectron2://ImageNetPretrained/";

    private final WeightsCache cache;

    Weights(Environment environment) {
        this.cache = environment.weightsCache();
    }

    /** Training starts from whatever fits by name and shape; a file of which nothing fits the backbone is refused. */
    void start(SparseRcnn model, String weights) {
        if (weights.isEmpty()) {
            LOG.info("MODEL.WEIGHTS is empty: training starts from random weights");
            return;
        }
        WeightsMatch match = match(model, read(weights)).requireSome("backbone.");
        LOG.info("{}", match.table().strip());
        ModelState.load(match, model.parameters());
    }

    /** {@code --init-from}; see {@link InitFrom}. */
    void initFrom(SparseRcnn model, String weights, CategoryMap classes) {
        LOG.info("{}", InitFrom.load(model, read(weights), classes));
    }

    /** Evaluation and demo need every parameter. */
    LoadedCheckpoint complete(SparseRcnn model, String weights) {
        if (weights.isEmpty()) {
            throw new BadInput("MODEL.WEIGHTS is empty; name a checkpoint: MODEL.WEIGHTS path/to/model.pth");
        }
        if (weights.startsWith(BACKBONES)) { // a config's own, which would be downloaded for nothing
            throw BadInput.of("MODEL.WEIGHTS is %s, a backbone to start a training from; name a trained checkpoint: MODEL.WEIGHTS path/to/model.pth", weights);
        }
        LoadedCheckpoint checkpoint = read(weights);
        WeightsMatch match = match(model, checkpoint).requireComplete();
        if (!match.unused().isEmpty()) {
            LOG.info("{}", match.table().strip());
        }
        ModelState.load(match, model.parameters());
        return checkpoint;
    }

    private LoadedCheckpoint read(String weights) {
        return CheckpointReader.read(cache.resolve(weights));
    }

    private static WeightsMatch match(SparseRcnn model, LoadedCheckpoint checkpoint) {
        return WeightsMatcher.match(checkpoint, ModelState.shapes(model.parameters()));
    }
}
