package org.sparsercnn.config;

import java.util.List;

/** {@code INPUT}: how an image file becomes the network's input. Sizes are pixels. */
public record InputConfig(
        @Key(name = "FORMAT", is = "'BGR'", oneOf = {"RGB", "BGR"}, doc = "Order of the channels.") String format,
        @Key(name = "MIN_SIZE_TRAIN", is = "(800,)", min = 0, doc = "Lengths the shorter side is scaled to while training.") List<Integer> minSizeTrain,
        @Key(name = "MIN_SIZE_TRAIN_SAMPLING", is = "'choice'", oneOf = {"choice", "range"}, doc = "`choice`: one of `MIN_SIZE_TRAIN`; `range`: any length between its two values.") String minSizeTrainSampling,
        @Key(name = "MAX_SIZE_TRAIN", is = "1333", min = 1, doc = "The longer side stays within this while training.") int maxSizeTrain,
        @Key(name = "MIN_SIZE_TEST", is = "800", min = 0, doc = "Length the shorter side is scaled to; 0: no scaling.") int minSizeTest,
        @Key(name = "MAX_SIZE_TEST", is = "1333", min = 1, doc = "The longer side stays within this.") int maxSizeTest,
        @Key(name = "RANDOM_FLIP", is = "'horizontal'", oneOf = {"horizontal", "vertical", "both", "none"}, doc = "Flips while training, each with probability 1/2; `both` (ours) draws the two independently.") String randomFlip,
        @Section("CROP") Crop crop) {

    /** The published crop augmentation: with probability 1/2 scale to 400, 500 or 600, crop, scale again. */
    public record Crop(
            @Key(name = "ENABLED", is = "False", doc = "Whether half of the training images are cropped.") boolean enabled,
            @Key(name = "TYPE", is = "'relative_range'", oneOf = {"relative", "relative_range", "absolute", "absolute_range"}, doc = "How `SIZE` is meant.") String type,
            @Key(name = "SIZE", is = "[0.9, 0.9]", length = 2, min = 0, doc = "Height and width of the crop: fractions, pixels, or with `absolute_range` the bounds of both.") List<Double> size) {}

    public boolean flipsHorizontally() {
        return randomFlip.equals("horizontal") || randomFlip.equals("both");
    }

    public boolean flipsVertically() {
        return randomFlip.equals("vertical") || randomFlip.equals("both");
    }
}
