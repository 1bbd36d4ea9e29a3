// L1 distance of matched boxes, sides divided by `scale`: y[i] = sum over k of |boxes[source[i], k] - target[i, k]| / scale[i, k].
#include "common.cuh"

ARGS(L1LossFwd, const float* boxes; const int32_t* source; const float* target; const float* scale; float* y; i64 pairs;)

KERNEL(l1_loss_fwd_f32, L1LossFwd) {
    KERNEL_LOOP(i, a.pairs) {
        float sum = 0;
        for (i64 k = 0; k < 4; ++k) {
            const float scale = a.scale[4 * i + k];
            sum += fabsf(a.boxes[4 * a.source[i] + k] / scale - a.target[4 * i + k] / scale);
        }
        a.y[i] = sum;
    }
}

// dboxes was zeroed, and no row of boxes is matched twice. Either gradient may be absent.
ARGS(L1LossBwd, const float* dy; const float* boxes; const int32_t* source; const float* target; const float* scale;
     float* dboxes; float* dtarget; i64 pairs;)

KERNEL(l1_loss_bwd_f32, L1LossBwd) {
    KERNEL_LOOP(i, a.pairs) {
        for (i64 k = 0; k < 4; ++k) {
            const i64 from = 4 * a.source[i] + k, to = 4 * i + k;
            const float scale = a.scale[to], diff = a.boxes[from] / scale - a.target[to] / scale;
            const float g = (diff > 0 ? a.dy[i] : diff < 0 ? -a.dy[i] : diff * a.dy[i]) / scale;
            if (a.dboxes) a.dboxes[from] = g;
            if (a.dtarget) a.dtarget[to] = -g;
        }
    }
}
