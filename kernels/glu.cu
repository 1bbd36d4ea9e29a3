// Gated linear unit (Dauphin et al. 2017) over the last axis: x (rows, 2 cols) = (value, gate) -> y (rows, cols) = value sigmoid(gate).
#include "common.cuh"

ARGS_T(GluFwd, const T* x; T* y; i64 rows; i64 cols;)

KERNEL_T(glu_fwd, GluFwd) {
    const i64 row = ROW();
    const T *value = a.x + row * 2 * a.cols, *gate = value + a.cols;
    BLOCK_LOOP(i, a.cols) a.y[row * a.cols + i] = T(value[i] * sigmoid_f(gate[i]));
}

ARGS_T(GluBwd, const T* dy; const T* x; T* dx; i64 rows; i64 cols;)

KERNEL_T(glu_bwd, GluBwd) {
    const i64 row = ROW();
    const T *value = a.x + row * 2 * a.cols, *gate = value + a.cols, *dy = a.dy + row * a.cols;
    T *dvalue = a.dx + row * 2 * a.cols, *dgate = dvalue + a.cols;
    BLOCK_LOOP(i, a.cols) {
        const float s = sigmoid_f(gate[i]);
        dvalue[i] = T(dy[i] * s);
        dgate[i] = T(dy[i] * (value[i] * (s * (1.0f - s))));
    }
}
