package org.sparsercnn.util;

/**
 * Something the user gave us cannot be used: a file, a key, a value, a library, a device. The command line turns it into
 * one message and exit code 2, without a stack trace.
 *
 * <p>A message names the thing, what was found, what was wanted, and what to do.
 */
public final class BadInput extends RuntimeException {
    public BadInput(String message) {
        super(message);
    }

    public BadInput(String message, Throwable cause) {
        super(message, cause);
    }

    /** {@code String.format} for the common case. */
    public static BadInput of(String format, Object... args) {
        return new BadInput(String.format(java.util.Locale.ROOT, format, args));
    }
}
