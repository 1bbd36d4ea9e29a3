package org.sparsercnn.config;

/** Where a value was set: line {@code line} (from 1) of a file, or an override ({@code line} 0). */
record Place(String source, int line) {
    static final Place OVERRIDE = new Place("override", 0);

    @Override
    public String toString() {
        return line == 0 ? source : source + ":" + line;
    }
}
