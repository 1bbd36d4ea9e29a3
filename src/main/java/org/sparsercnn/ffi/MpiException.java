package org.sparsercnn.ffi;

/** A call of MPI's that failed, in the library's words. */
public final class MpiException extends RuntimeException {
    private static final long serialVersionUID = 1;

    MpiException(String message) {
        super(message);
    }
}
