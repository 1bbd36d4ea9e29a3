package org.sparsercnn.io;

/**
 * The element types that weight files hold, under the three names they go by: safetensors', PyTorch's storage class and
 * NumPy's type string (without byte order).
 */
public enum Dtype {
    F64(8, "DoubleStorage", "f8"),
    F32(4, "FloatStorage", "f4"),
    F16(2, "HalfStorage", "f2"),
    BF16(2, "BFloat16Storage", null),
    I64(8, "LongStorage", "i8"),
    I32(4, "IntStorage", "i4"),
    I16(2, "ShortStorage", "i2"),
    I8(1, "CharStorage", "i1"),
    U8(1, "ByteStorage", "u1"),
    BOOL(1, "BoolStorage", "b1");

    private final int bytes;
    private final String torchStorage;
    private final String numpy;

    Dtype(int bytes, String torchStorage, String numpy) {
        this.bytes = bytes;
        this.torchStorage = torchStorage;
        this.numpy = numpy;
    }

    /** Size of one element in bytes. */
    public int bytes() {
        return bytes;
    }

    /** The class in Python's {@code torch} module that marks a storage of this type. */
    String torchStorage() {
        return torchStorage;
    }

    /** The type of a safetensors header entry; {@link Malformed} for one that no model of ours uses (F8, C64, …). */
    static Dtype ofSafetensors(String name) {
        for (Dtype d : values()) {
            if (d.name().equals(name)) {
                return d;
            }
        }
        throw new Malformed("element type '" + name + "' is not supported (known: F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL)");
    }

    /** The type of a NumPy array ({@code f4}, {@code i8}, …); objects, text and records are refused. */
    static Dtype ofNumpy(String code) {
        for (Dtype d : values()) {
            if (code.equals(d.numpy)) {
                return d;
            }
        }
        throw new Malformed("a NumPy array of type '" + code + "' is not a tensor (known: f2 f4 f8 i1 i2 i4 i8 u1 b1)");
    }
}
