package org.sparsercnn.io;

/** What is wrong inside a file; {@link CheckpointReader} adds the file's name and makes it a BadInput. */
final class Malformed extends RuntimeException {
    Malformed(String reason) {
        super(reason);
    }
}
