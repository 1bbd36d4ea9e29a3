package org.sparsercnn.device.cuda;

import org.sparsercnn.device.DType;
import org.sparsercnn.ffi.cuda.NumberType;

/**
 * How a CUDA device computes.
 *
 * @param ordinal which GPU, as the driver counts them
 * @param tf32 whether products of fp32 numbers are taken in TF32 (10 bits of mantissa, sums in fp32)
 * @param deterministic whether results must be equal from run to run: no float atomics, no algorithm that is not
 */
public record CudaOptions(int ordinal, boolean tf32, boolean deterministic) {
    /** How libraries are to take factors of this type. */
    NumberType factors(DType type) {
        return type == DType.BF16 ? NumberType.BF16 : tf32 ? NumberType.TF32 : NumberType.F32;
    }
}
