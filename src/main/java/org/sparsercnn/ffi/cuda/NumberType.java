package org.sparsercnn.ffi.cuda;

/** How cuBLAS and cuDNN take their numbers. */
public enum NumberType {
    /** fp32 in memory and in every product. */
    F32,
    /** fp32 in memory; products of numbers rounded to TF32 (10 bits of mantissa), sums in fp32. */
    TF32,
    /** bf16 in memory; sums in fp32. */
    BF16
}
