package org.sparsercnn.app;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.config.Config.Difference;
import org.sparsercnn.util.BadInput;

/**
 * What has changed between the config a checkpoint was saved with and the one it is resumed with. Keys that say what the saved
 * weights and the optimiser's state mean must be as they were; all others may change, and are listed.
 */
final class ConfigChanges {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");
    private static final Set<String> FIXED = Set.of("INPUT.FORMAT", "SOLVER.OPTIMIZER");
    /** Those of MODEL that speak of losses, regularisation, first values or the machine, not of the model. */
    private static final Set<String> FREE = Set.of("MODEL.DEVICE", "MODEL.WEIGHTS", "MODEL.ROI_HEADS.NMS_THRESH_TEST", "MODEL.SparseRCNN.DROPOUT", "MODEL.SparseRCNN.CLASS_WEIGHT",
            "MODEL.SparseRCNN.GIOU_WEIGHT", "MODEL.SparseRCNN.L1_WEIGHT", "MODEL.SparseRCNN.DEEP_SUPERVISION", "MODEL.SparseRCNN.NO_OBJECT_WEIGHT",
            "MODEL.SparseRCNN.ALPHA", "MODEL.SparseRCNN.GAMMA", "MODEL.SparseRCNN.PRIOR_PROB");

    private ConfigChanges() {}

    /**
     * Lists in the log what may change, and refuses what may not.
     *
     * @param file the checkpoint, for messages
     * @param saved the text of the config in it
     * @throws BadInput naming every key that may not, with both values
     */
    static void check(Path file, String saved, Config now) {
        Config before;
        try {
            before = Config.ofDump(saved, file.toString());
        } catch (BadInput e) { // of a version that knew other keys; shapes are compared all the same
            LOG.warn("The config in the checkpoint cannot be compared with this one: {}", e.getMessage());
            return;
        }
        List<Difference> changed = before.diff(now).stream().filter(d -> before.hasEffect(d.key()) || now.hasEffect(d.key())).toList();
        List<Difference> refused = changed.stream().filter(d -> isFixed(d.key())).toList();
        if (!refused.isEmpty()) {
            throw BadInput.of("%s: cannot be resumed with this config: %s. Resume with the values of the checkpoint (config.yaml beside it has"
                    + " them), or start anew from its weights with --init-from.", file, refused.stream()
                    .map(d -> d.key() + " is " + d.to().repr() + ", in the checkpoint it is " + d.from().repr()).collect(Collectors.joining("; ")));
        }
        if (!changed.isEmpty()) {
            LOG.info("Changed since the checkpoint; the new values count:{}", changed.stream()
                    .map(d -> "\n  " + d.key() + ": " + d.from().repr() + " -> " + d.to().repr()).collect(Collectors.joining()));
        }
    }

    private static boolean isFixed(String key) {
        return FIXED.contains(key) || key.startsWith("MODEL.") && !FREE.contains(key);
    }
}
