package org.sparsercnn.device.cuda;

import org.sparsercnn.device.DType;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Launch;

/** What a library left to do after a product or convolution: {@code y = act(beta y + bias + residual)}. */
final class OutputEpilogue {
    private static final Kernel KERNEL = Kernel.of("output_epilogue_f32", "y bias residual rows cols ld beta relu");

    private final Launch launch;

    OutputEpilogue(Launch launch) {
        this.launch = launch;
    }

    /**
     * @param type of y, bias and residual
     * @param y address of rows that lie {@code ld} elements apart; the residual's likewise
     * @param bias one per column, or 0; {@code residual} or 0
     * @param beta 0: what y holds is not looked at
     */
    void run(DType type, long y, long bias, long residual, long rows, long cols, long ld, double beta, boolean relu) {
        if (bias != 0 || residual != 0 || relu || beta != 1) {
            launch.of(KERNEL.over(type)).i64(y).i64(bias).i64(residual).i64(rows).i64(cols).i64(ld).f64(beta).flag(relu)
                    .overElements(rows * cols);
        }
    }
}
