package org.sparsercnn.app.serving;

/** Nothing is wrong with the request, but it is not answered now. */
public final class Refusal extends RuntimeException {
    /** Why. */
    public enum Reason {
        /** As many requests are under way as are allowed. */
        QUEUE_FULL,
        /** No answer within the time limit. */
        TIMEOUT,
        /** The service ends. */
        SHUTTING_DOWN,
        /** The device computes no more. */
        DEVICE_FAILED
    }

    private final Reason reason;

    Refusal(Reason reason, String message) {
        super(message, null, false, false); // thousands a second under load: no stack trace
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
