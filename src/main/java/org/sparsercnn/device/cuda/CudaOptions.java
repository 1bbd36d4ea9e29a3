package org.sparsercnn.device.cuda;

/**
 * How a CUDA device computes.
 *
 * @param ordinal which GPU, as the driver counts them
 * @param tf32 whether products of fp32 numbers are taken in TF32 (10 bits of mantissa, sums in fp32)
 * @param deterministic whether results must be equal from run to run: no float atomics, no algorithm that is not
 */
public record CudaOptions(int ordinal, boolean tf32, boolean deterministic) {}
