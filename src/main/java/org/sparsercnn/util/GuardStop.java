package org.sparsercnn.util;

/** A guard ended the run (non-finite losses, expected results missed, a rank lost): one message, exit code 3. */
public final class GuardStop extends RuntimeException {
    public GuardStop(String message) {
        super(message);
    }
}
