// An 8-bit image x (h, w, 3) into its slot of a batch, y (slot_h, slot_w, 3): (x - mean) / std, zeros beyond the image.
#include "common.cuh"

ARGS(NormalizeImage, const uint8_t* x; float* y; i64 h; i64 w; i64 slot_h; i64 slot_w; double mean0; double mean1; double mean2;
     double std0; double std1; double std2;)

KERNEL(normalize_image_fwd_f32, NormalizeImage) {
    const i64 row = ROW(), filled = row < a.h ? a.w : 0;
    const uint8_t* x = a.x + row * a.w * 3;
    float* y = a.y + row * a.slot_w * 3;
    const float mean0 = (float)a.mean0, mean1 = (float)a.mean1, mean2 = (float)a.mean2;
    const float std0 = (float)a.std0, std1 = (float)a.std1, std2 = (float)a.std2;
    BLOCK_LOOP(i, filled) {
        y[3 * i] = ((float)x[3 * i] - mean0) / std0;
        y[3 * i + 1] = ((float)x[3 * i + 1] - mean1) / std1;
        y[3 * i + 2] = ((float)x[3 * i + 2] - mean2) / std2;
    }
    BLOCK_LOOP(i, 3 * (a.slot_w - filled)) y[3 * filled + i] = 0;
}
