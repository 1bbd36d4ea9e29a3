package org.sparsercnn.device;

import java.util.List;

/**
 * The name of a kernel in {@code kernels/*.cu} and the fields of the struct it takes, in order. Every field is 8 bytes: a
 * pointer, a 64-bit integer or a double. A test compares these names with the ones the compiled kernel reports.
 */
public record Kernel(String name, List<String> fields) {
    /** @param fields names separated by blanks */
    public static Kernel of(String name, String fields) {
        return new Kernel(name, List.of(fields.trim().split("\\s+")));
    }
}
