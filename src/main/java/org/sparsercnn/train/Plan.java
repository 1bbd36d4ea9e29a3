package org.sparsercnn.train;

/** How long to train and with which learning rate: by step, or by the clock. */
public interface Plan {
    /** Learning rate of step {@code iteration}, before factors of single parameters. */
    double lr(long iteration);

    /** Whether {@code iteration} steps are enough. */
    boolean done(long iteration);

    /** The whole of it, in words: "90000 iterations", "4 minutes". */
    String length();

    /** Steps in all, as far as it is known now; for the time remaining. */
    long steps(long iteration);
}
