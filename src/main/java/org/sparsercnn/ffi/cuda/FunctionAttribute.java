package org.sparsercnn.ffi.cuda;

/** Values of {@code CUfunction_attribute} (cuda.h). */
public final class FunctionAttribute {
    public static final int MAX_THREADS_PER_BLOCK = 0;
    public static final int LOCAL_SIZE_BYTES = 3;
    public static final int NUM_REGS = 4;
    public static final int MAX_DYNAMIC_SHARED_SIZE_BYTES = 8;

    private FunctionAttribute() {}
}
