package org.sparsercnn.nn;

import org.sparsercnn.util.BadInput;

/** What follows a convolution; the names are detectron2's. */
public enum Norm {
    /** Nothing: the convolution has a bias. */
    NONE,
    /** Batch norm with stored statistics and fixed scale: folded into the weights. */
    FROZEN_BN,
    BN,
    /** Batch norm whose statistics in training go over all ranks. */
    SYNC_BN,
    /** 32 groups, fewer where there are fewer channels. */
    GN;

    /** @param key the config key it came from, for the message */
    public static Norm parse(String name, String key) {
        return switch (name) {
            case "" -> NONE;
            case "FrozenBN" -> FROZEN_BN;
            case "BN" -> BN;
            case "SyncBN" -> SYNC_BN;
            case "GN" -> GN;
            default -> throw BadInput.of("%s: unknown norm '%s'; one of FrozenBN, BN, SyncBN, GN or '' (none)", key, name);
        };
    }
}
