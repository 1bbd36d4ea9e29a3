package org.sparsercnn.config;

/** Control flow of {@link PyLiteral} and {@link PyString} only: the text is no Python literal, so it stays a string. */
final class NotALiteral extends Exception {
    static final NotALiteral INSTANCE = new NotALiteral();

    private NotALiteral() {
        super(null, null, false, false); // one shared object: no stack trace
    }
}
