package org.sparsercnn.config;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** detectron2's first config version ({@code MODEL.WEIGHT}, {@code TEST.AUG_ON}, …): other names for some of today's keys. */
final class Version1 {
    /** Old name, new name. */
    private static final String RENAMED = """
            MODEL.WEIGHT MODEL.WEIGHTS
            MODEL.PANOPTIC_FPN.SEMANTIC_LOSS_SCALE MODEL.SEM_SEG_HEAD.LOSS_WEIGHT
            MODEL.PANOPTIC_FPN.RPN_LOSS_SCALE MODEL.RPN.LOSS_WEIGHT
            MODEL.PANOPTIC_FPN.INSTANCE_LOSS_SCALE MODEL.PANOPTIC_FPN.INSTANCE_LOSS_WEIGHT
            MODEL.PANOPTIC_FPN.COMBINE_ON MODEL.PANOPTIC_FPN.COMBINE.ENABLED
            MODEL.PANOPTIC_FPN.COMBINE_OVERLAP_THRESHOLD MODEL.PANOPTIC_FPN.COMBINE.OVERLAP_THRESH
            MODEL.PANOPTIC_FPN.COMBINE_STUFF_AREA_LIMIT MODEL.PANOPTIC_FPN.COMBINE.STUFF_AREA_LIMIT
            MODEL.PANOPTIC_FPN.COMBINE_INSTANCES_CONFIDENCE_THRESHOLD MODEL.PANOPTIC_FPN.COMBINE.INSTANCES_CONFIDENCE_THRESH
            MODEL.ROI_HEADS.SCORE_THRESH MODEL.ROI_HEADS.SCORE_THRESH_TEST
            MODEL.ROI_HEADS.NMS MODEL.ROI_HEADS.NMS_THRESH_TEST
            MODEL.RETINANET.INFERENCE_SCORE_THRESHOLD MODEL.RETINANET.SCORE_THRESH_TEST
            MODEL.RETINANET.INFERENCE_TOPK_CANDIDATES MODEL.RETINANET.TOPK_CANDIDATES_TEST
            MODEL.RETINANET.INFERENCE_NMS_THRESHOLD MODEL.RETINANET.NMS_THRESH_TEST
            TEST.DETECTIONS_PER_IMG TEST.DETECTIONS_PER_IMAGE
            TEST.AUG_ON TEST.AUG.ENABLED
            TEST.AUG_MIN_SIZES TEST.AUG.MIN_SIZES
            TEST.AUG_MAX_SIZE TEST.AUG.MAX_SIZE
            TEST.AUG_FLIP TEST.AUG.FLIP
            MODEL.RPN.ANCHOR_ASPECT_RATIOS MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS
            MODEL.RPN.ANCHOR_SIZES MODEL.ANCHOR_GENERATOR.SIZES
            """;
    private static final Set<String> DROPPED = Set.of(
            "MODEL.RETINANET.ANCHOR_ASPECT_RATIOS", "MODEL.RETINANET.ANCHOR_SIZES", "MODEL.RETINANET.ANCHOR_STRIDES");

    private Version1() {}

    /** {@code schema} under the names of version 1: the old names lead to today's keys, the new ones are unknown. */
    static Schema namesOf(Schema schema) {
        Map<String, Schema.Entry> keys = new LinkedHashMap<>(schema.keys());
        RENAMED.lines().map(line -> line.split(" ")).forEach(names -> keys.put(names[0], keys.remove(names[1])));
        return new Schema(keys, DROPPED, Map.of());
    }

    /** Whether a file that names no VERSION is of version 1: detectron2's guess by two common keys. */
    static boolean isLikely(PyValue.Dict file) {
        return has(file, "MODEL", "WEIGHT") || has(file, "TEST", "AUG_ON");
    }

    private static boolean has(PyValue.Dict file, String section, String key) {
        return file.items().get(new PyValue.Str(section)) instanceof PyValue.Dict(Map<PyValue, PyValue> keys)
                && keys.containsKey(new PyValue.Str(key));
    }
}
