package org.sparsercnn.app.serving;

import java.util.OptionalInt;
import org.sparsercnn.util.BadInput;

/**
 * What a service takes on.
 *
 * @param queue most requests at a time, from the first byte of their picture to their answer
 * @param batch most pictures a pass; empty: as the device gains from it
 * @param batchWaitMillis longest a picture waits for others, while others are on their way
 * @param seconds from a request's beginning to its answer
 * @param pixels width times height of a picture
 */
public record Limits(int queue, OptionalInt batch, double batchWaitMillis, double seconds, long pixels) {
    /** Most pictures a pass where the device gains from several. */
    static final int BATCH_BEHIND = 8;

    public Limits {
        in("--queue", queue, 1, 100_000);
        in("--batch-size", batch.orElse(1), 1, 256);
        in("--batch-wait", batchWaitMillis, 0, 1000);
        in("--timeout", seconds, 0.001, 3600);
        in("--max-megapixels", pixels / 1e6, 1e-6, 178.956970);
    }

    private static void in(String option, double value, double least, double most) {
        if (!(value >= least && value <= most)) {
            throw BadInput.of("%s %s: a number from %s to %s", option, number(value), number(least), number(most));
        }
    }

    private static String number(double value) {
        return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
    }
}
