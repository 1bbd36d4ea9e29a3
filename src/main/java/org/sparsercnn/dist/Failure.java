package org.sparsercnn.dist;

import java.util.Objects;
import org.sparsercnn.ffi.MpiException;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.GuardStop;

/**
 * What ended a run: the first thing that went wrong on any rank. All ranks tell the same.
 *
 * @param host of the rank
 * @param exitCode of every rank: 2 where the run was refused before it began, otherwise 3
 */
public record Failure(int rank, String host, String reason, int exitCode) {
    public static final int REFUSED = 2;
    public static final int STOPPED = 3;

    /**
     * @param begun whether the run had begun: then even a bad image or a full disk is a run that was stopped
     */
    static Failure of(int rank, String host, Throwable thrown, boolean begun) {
        String text = switch (thrown) {
            case BadInput e -> e.getMessage();
            case GuardStop e -> e.getMessage();
            case MpiException e -> e.getMessage();
            case OutOfMemoryError e -> "out of memory (" + e.getMessage() + "); smaller images or batches need less, java -Xmx… gives Java more";
            default -> "internal error, please report it with this rank's log file: " + thrown;
        };
        return new Failure(rank, host, Objects.requireNonNullElse(text, thrown.toString()), thrown instanceof BadInput && !begun ? REFUSED : STOPPED);
    }

    static Failure lost(int rank, String host, String reason) {
        return new Failure(rank, host, reason, STOPPED);
    }

    public String message() {
        return "rank " + rank + " on " + host + ": " + reason;
    }

    /** For the command line, which knows the exit code of each kind. */
    public RuntimeException toException() {
        return exitCode == REFUSED ? new BadInput(message()) : new GuardStop(message());
    }
}
