package org.sparsercnn.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.tensor.Tensor;

/** Products in bf16 against float64: rounded once, and nothing between rows or matrices touched. Convolutions are Conv2dSpec's. */
class Bf16ProductsTest {
    private static final int M = 3;
    private static final int N = 5;
    private static final int K = 4;
    /** Elements between rows, and rows between the matrices of a batch, beyond the dense ones. */
    private static final int GAP = 2;

    @ParameterizedTest
    @CsvSource({"false, false, BF16, 0", "true, false, BF16, 1", "false, true, F32, 0", "true, true, F32, 1"})
    void products_are_rounded_once(boolean transA, boolean transB, DType result, float beta) {
        Random random = new Random(5);
        int lda = (transA ? M : K) + GAP;
        int ldb = (transB ? K : N) + GAP;
        int ldc = N + GAP;
        int[] strides = {(transA ? K : M) * lda + GAP, (transB ? N : K) * ldb + GAP, M * ldc + GAP};
        float[] a = exact(random, 2 * strides[0]);
        float[] b = exact(random, 2 * strides[1]);
        float[] c = exact(random, 2 * strides[2]);
        float[] bias = exact(random, N);
        try (Device device = new Bf16Device(new CpuDevice(1, -1))) {
            Tensor ta = Bf16.tensor(device, a, a.length);
            Tensor tb = Bf16.tensor(device, b, b.length);
            Tensor tc = result == DType.BF16 ? Bf16.tensor(device, c, c.length) : Tensor.of(device, c, c.length);
            Tensor tBias = result == DType.BF16 ? Bf16.tensor(device, bias, N) : Tensor.of(device, bias, N);
            Gemm gemm = Gemm.dense(transA, transB, M, N, K, ta, tb, tc).leading(lda, ldb, ldc)
                    .with(Gemm.Batch.of(2, strides[0], strides[1], strides[2])).with(DType.BF16, result).scaled(0.5f)
                    .with(new Epilogue(tBias, null, true));
            device.gemm(beta == 1 ? gemm.accumulating() : gemm);
            float[] wanted = c.clone();
            for (int batch = 0; batch < 2; batch++) {
                for (int r = 0; r < M; r++) {
                    for (int n = 0; n < N; n++) {
                        int at = batch * strides[2] + r * ldc + n;
                        double sum = 0;
                        for (int k = 0; k < K; k++) {
                            sum += a[batch * strides[0] + (transA ? k * lda + r : r * lda + k)]
                                    * (double) b[batch * strides[1] + (transB ? n * ldb + k : k * ldb + n)];
                        }
                        float y = (float) Math.max(0, sum / 2 + beta * c[at] + bias[n]);
                        wanted[at] = result == DType.BF16 ? Bf16.round(y) : y;
                    }
                }
            }
            assertThat(Bf16.floats(tc)).containsExactly(wanted);
            for (Tensor t : new Tensor[] {ta, tb, tc, tBias}) {
                t.release();
            }
        }
    }

    /** Eighths below 2, so that products and their sums are exact in fp32 in any order. */
    private static float[] exact(Random random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (random.nextInt(31) - 15) / 8f;
        }
        return values;
    }
}
