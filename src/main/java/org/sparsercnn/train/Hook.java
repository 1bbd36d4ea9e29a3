package org.sparsercnn.train;

/** Something that happens after a training step: logging, checkpoints, evaluation. */
public interface Hook {
    void afterStep(Progress progress);

    /**
     * Whether {@link #afterStep} of that iteration must find the model and the optimiser as this step left them. Otherwise up to
     * two more steps may be queued when it is called.
     */
    default boolean needsState(long iteration) {
        return false;
    }

    /** The run ended, at its last step, early or by an error; releases what the hook holds. */
    default void close() {}
}
