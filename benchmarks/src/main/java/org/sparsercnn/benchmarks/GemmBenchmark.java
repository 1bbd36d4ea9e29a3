package org.sparsercnn.benchmarks;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.sparsercnn.device.Gemm;

/**
 * Matrix products of the R50-100 model on the CPU: {@code op(A) op(B)} given as transpositions, MxNxK and how many at once. The
 * square one tells what the machine gives.
 */
public class GemmBenchmark extends OnDevice {
    @Param({
        "NN 1024x1024x1024x1", // the yardstick
        "NT 100x32768x256x1", // dynamic_layer, one image: makes the weights of the dynamic convolutions
        "NN 200x256x32768x1", // its input gradient, two images: a long inner size
        "TN 32768x256x200x1", // its weight gradient
        "NT 100x256x12544x1", // out_layer
        "TN 256x12544x200x1", // its weight gradient
        "NT 100x256x256x1", // a tower's layer
        "NN 49x64x256x100" // dynamic convolution
    })
    public String product;

    private Gemm gemm;

    @Override
    void make() {
        String[] size = product.substring(3).split("x");
        long m = Long.parseLong(size[0]);
        long n = Long.parseLong(size[1]);
        long k = Long.parseLong(size[2]);
        long count = Long.parseLong(size[3]);
        gemm = Gemm.dense(product.charAt(0) == 'T', product.charAt(1) == 'T', m, n, k, noise(count, m, k), noise(count, k, n),
                empty(count, m, n)).with(Gemm.Batch.of(count, m * k, k * n, m * n));
    }

    @Benchmark
    public void product() {
        device.gemm(gemm);
        device.synchronize();
    }
}
