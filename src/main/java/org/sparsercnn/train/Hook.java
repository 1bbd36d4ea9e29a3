package org.sparsercnn.train;

/** Something that happens after a training step: logging, checkpoints, evaluation. */
public interface Hook {
    void afterStep(Progress progress);

    /** The run ended, at its last step, early or by an error; releases what the hook holds. */
    default void close() {}
}
