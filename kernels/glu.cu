// Gated linear unit (Dauphin et al. 2017) over the last axis: x (rows, 2 cols) = (value, gate) -> y (rows, cols) = value sigmoid(gate).
#include "common.cuh"

ARGS(GluFwd, const float* x; float* y; i64 rows; i64 cols;)

KERNEL(glu_fwd_f32, GluFwd) {
    const i64 row = ROW();
    const float *value = a.x + row * 2 * a.cols, *gate = value + a.cols;
    BLOCK_LOOP(i, a.cols) a.y[row * a.cols + i] = value[i] * sigmoid_f(gate[i]);
}

ARGS(GluBwd, const float* dy; const float* x; float* dx; i64 rows; i64 cols;)

KERNEL(glu_bwd_f32, GluBwd) {
    const i64 row = ROW();
    const float *value = a.x + row * 2 * a.cols, *gate = value + a.cols, *dy = a.dy + row * a.cols;
    float *dvalue = a.dx + row * 2 * a.cols, *dgate = dvalue + a.cols;
    BLOCK_LOOP(i, a.cols) {
        const float s = sigmoid_f(gate[i]);
        dvalue[i] = dy[i] * s;
        dgate[i] = dy[i] * (value[i] * (s * (1.0f - s)));
    }
}
