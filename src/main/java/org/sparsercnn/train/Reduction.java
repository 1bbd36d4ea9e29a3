package org.sparsercnn.train;

import org.sparsercnn.config.SolverConfig;
import org.sparsercnn.device.DType;

/**
 * How gradients are summed over ranks (SOLVER.REPLICAS).
 *
 * @param bucketBytes largest size of a bucket in fp32; a gradient that is larger has one of its own
 * @param type F32 or BF16
 */
public record Reduction(long bucketBytes, DType type) {
    /** The config's defaults. */
    public static final Reduction DEFAULT = new Reduction(25 << 20, DType.F32);

    public static Reduction of(SolverConfig.Replicas replicas) {
        return new Reduction((long) replicas.bucketMb() << 20, replicas.reduceIn().equals("bf16") ? DType.BF16 : DType.F32);
    }
}
