// What a library left to do after a matrix product or convolution: y = act(beta y + bias + residual), rows ld elements apart.
#include "common.cuh"

ARGS_T(OutputEpilogue, T* y; const T* bias; const T* residual; i64 rows; i64 cols; i64 ld; double beta; i64 relu;)

KERNEL_T(output_epilogue, OutputEpilogue) {
    const float beta = (float)a.beta;
    KERNEL_LOOP(i, a.rows * a.cols) {
        const i64 row = i / a.cols, col = i - row * a.cols, at = row * a.ld + col;
        float v = beta == 0 ? 0 : beta * (float)a.y[at];  // y may hold anything then, NaN too
        if (a.bias) v += (float)a.bias[col];
        if (a.residual) v += (float)a.residual[at];
        a.y[at] = T(a.relu ? relu_f(v) : v);
    }
}
