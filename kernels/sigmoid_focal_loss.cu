// Sigmoid focal loss (Lin et al. 2017) of rows of class logits, one binary decision per class. With s = x away from the
// target and s = -x towards it, a decision costs alpha_t sigmoid(s)^gamma softplus(s); no form of it cancels or overflows.
#include "common.cuh"

struct Focal {
    float loss, slope;  // d loss / d s
};

// sigmoid(s)^gamma = e^(-gamma softplus(-s)), and softplus(s) = max(s, 0) + ln(1 + e^-|s|) shares its logarithm with it.
DEVICE Focal focal(float s, float gamma) {
    const float tail = softplus_f(s > 0 ? -s : s);  // NaN stays NaN
    const float cost = relu_f(s) + tail, log_p = -(relu_f(-s) + tail);
    const float log_sigmoid = log_p < -1e30f ? -1e30f : log_p;  // 0 * -inf is not 1^0
    const float sigmoid = exp_f(log_sigmoid), power = exp_f(gamma * log_sigmoid);
    return {power * cost, power * (sigmoid + gamma * (1 - sigmoid) * cost)};
}

// A negative alpha means no weighting. A target outside [0, classes) is background.
ARGS(SigmoidFocalLossFwd, const float* x; const int32_t* target; float* y; i64 rows; i64 classes; double alpha; double gamma;)

KERNEL(sigmoid_focal_loss_fwd_f32, SigmoidFocalLossFwd) {
    const i64 row = ROW();
    const float *x = a.x + row * a.classes, gamma = (float)a.gamma;
    const float alpha = a.alpha < 0 ? 1.0f : (float)a.alpha, beta = a.alpha < 0 ? 1.0f : (float)(1 - a.alpha);
    const int32_t target = a.target[row];
    float sum = 0;
    BLOCK_LOOP(k, a.classes) {
        const bool hit = (int32_t)k == target;
        sum += (hit ? alpha : beta) * focal(hit ? -x[k] : x[k], gamma).loss;
    }
    const float total = block_sum(sum);
    BLOCK_LEADER a.y[row] = total;
}

ARGS(SigmoidFocalLossBwd, const float* dy; const float* x; const int32_t* target; float* dx; i64 rows; i64 classes;
     double alpha; double gamma;)

KERNEL(sigmoid_focal_loss_bwd_f32, SigmoidFocalLossBwd) {
    const i64 row = ROW();
    const float *x = a.x + row * a.classes, gamma = (float)a.gamma, dy = a.dy[row];
    const float alpha = a.alpha < 0 ? 1.0f : (float)a.alpha, beta = a.alpha < 0 ? 1.0f : (float)(1 - a.alpha);
    const int32_t target = a.target[row];
    float* dx = a.dx + row * a.classes;
    BLOCK_LOOP(k, a.classes) {
        const bool hit = (int32_t)k == target;
        const float slope = focal(hit ? -x[k] : x[k], gamma).slope;
        dx[k] = dy * (hit ? -alpha * slope : beta * slope);
    }
}
