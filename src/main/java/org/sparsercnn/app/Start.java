package org.sparsercnn.app;

/** What a training begins with. */
public sealed interface Start {
    /** As MODEL.WEIGHTS says: whatever fits by name and shape; random where it is empty. */
    record Configured() implements Start {}

    /** OUTPUT_DIR's last checkpoint with its optimiser, random state and position; as configured where there is none. */
    record Resumed() implements Start {}

    /**
     * The weights of another model, to train it further on other classes: only its class layers may differ.
     *
     * @param weights what MODEL.WEIGHTS may name: a path, {@code https://…} or {@code detectron2://…}
     */
    record InitFrom(String weights) implements Start {}
}
