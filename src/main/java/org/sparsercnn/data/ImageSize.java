package org.sparsercnn.data;

/** Pixels across and down. */
public record ImageSize(int width, int height) {
    @Override
    public String toString() {
        return width + "x" + height;
    }
}
