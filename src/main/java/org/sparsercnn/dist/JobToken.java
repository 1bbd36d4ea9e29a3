package org.sparsercnn.dist;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;

/**
 * What the processes of one job know and others do not: keeps two jobs that meet at one port apart, and, if it is a secret,
 * strangers out.
 */
final class JobToken {
    static final int BYTES = 32;

    private final byte[] value;

    private JobToken(byte[] value) {
        this.value = value;
    }

    /** From what a launcher gave all processes. */
    static JobToken of(String secret) {
        try {
            return new JobToken(MessageDigest.getInstance("SHA-256").digest(secret.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    static JobToken random() {
        byte[] value = new byte[BYTES];
        new SecureRandom().nextBytes(value);
        return new JobToken(value);
    }

    static JobToken ofBytes(byte[] value) {
        return new JobToken(Arrays.copyOf(value, BYTES));
    }

    byte[] toBytes() {
        return value.clone();
    }

    /** In constant time. */
    boolean matches(byte[] other) {
        return MessageDigest.isEqual(value, other);
    }
}
