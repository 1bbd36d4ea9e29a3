package org.sparsercnn.device;

/** Element types of tensors. */
public enum DType {
    F32(4),
    /** The upper half of an fp32 number. */
    BF16(2),
    I32(4),
    I64(8),
    U8(1);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    public int bytes() {
        return bytes;
    }
}
