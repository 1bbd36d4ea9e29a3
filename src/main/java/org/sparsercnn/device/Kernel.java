package org.sparsercnn.device;

import java.util.List;
import java.util.Objects;

/**
 * The name of a kernel in {@code kernels/*.cu} and the fields of the struct it takes, in order. Every field is 8 bytes: a
 * pointer, a 64-bit integer or a double. A test compares these names with the ones the compiled kernel reports.
 *
 * <p>A kernel that adds floats atomically says so in its name, {@code roi_align_bwd_atomic_f32}: a device that was asked for
 * equal results from run to run {@linkplain Device#has does not have} it.
 */
public final class Kernel {
    private static final String F32 = "_f32";
    private static final String BF16 = "_bf16";

    private final String name;
    private final List<String> fields;
    private final Kernel bf16;

    private Kernel(String name, List<String> fields) {
        this.name = name;
        this.fields = fields;
        this.bf16 = name.endsWith(F32) ? new Kernel(name.substring(0, name.length() - F32.length()) + BF16, fields) : null;
    }

    /** @param fields names separated by blanks */
    public static Kernel of(String name, String fields) {
        return new Kernel(name, List.of(fields.trim().split("\\s+")));
    }

    public String name() {
        return name;
    }

    public List<String> fields() {
        return fields;
    }

    /** The same kernel over elements of this type, F32 or BF16: {@code relu_fwd_f32} or {@code relu_fwd_bf16}. */
    public Kernel over(DType type) {
        return switch (type) {
            case F32 -> this;
            case BF16 -> Objects.requireNonNull(bf16, name);
            default -> throw new IllegalArgumentException(name + " over " + type);
        };
    }

    /** Whether it adds floats in an order that differs from run to run. */
    public boolean addsAtomically() {
        return name.contains("_atomic");
    }

    @Override
    public String toString() {
        return name;
    }
}
