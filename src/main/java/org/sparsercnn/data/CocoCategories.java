package org.sparsercnn.data;

import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;

/** COCO's 80 detection classes: a published model draws names and writes results without any annotation file at hand. */
final class CocoCategories {
    /** Ids of 1..90 that COCO reserved and never used for boxes. */
    private static final Set<Long> HOLES = Set.of(12L, 26L, 29L, 30L, 45L, 66L, 68L, 69L, 71L, 83L);

    private static final List<String> NAMES = List.of(
            "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
            "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
            "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
            "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
            "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
            "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch",
            "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard",
            "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase",
            "scissors", "teddy bear", "hair drier", "toothbrush");

    static final CategoryMap MAP =
            new CategoryMap(LongStream.rangeClosed(1, 90).filter(id -> !HOLES.contains(id)).toArray(), NAMES);

    private CocoCategories() {}
}
