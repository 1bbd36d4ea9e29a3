package org.sparsercnn.data.convert;

/** What becomes of objects that Pascal VOC flags as difficult. */
public enum Difficult {
    /** iscrowd 1: never trained on, neither hit nor miss in evaluation; the nearest COCO has to VOC's own rules. */
    CROWD,
    /** Objects like any other; detectron2 trains on them. */
    KEEP,
    /** Left out; finding them counts as a mistake. */
    DROP
}
