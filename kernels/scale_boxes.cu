// Proposal boxes in units of the image, x (p, 4) as (cx, cy, w, h), to pixels of each of n images, y (n, p, 4) as corners.
// size (n, 4) holds (width, height, width, height).
#include "box.cuh"

ARGS(ScaleBoxesFwd, const float* x; const float* size; float* y; i64 n; i64 p;)

KERNEL(scale_boxes_fwd_f32, ScaleBoxesFwd) {
    KERNEL_LOOP(i, a.n * a.p) {
        const Box b = load_box(a.x + 4 * (i % a.p)), size = load_box(a.size + 4 * (i / a.p));
        store_box(a.y + 4 * i, {(b.x0 - 0.5f * b.x1) * size.x0, (b.y0 - 0.5f * b.y1) * size.y0,
                                (b.x0 + 0.5f * b.x1) * size.x1, (b.y0 + 0.5f * b.y1) * size.y1});
    }
}

ARGS(ScaleBoxesBwd, const float* dy; const float* size; float* dx; i64 n; i64 p;)

KERNEL(scale_boxes_bwd_f32, ScaleBoxesBwd) {
    KERNEL_LOOP(i, a.p) {
        Box g = {0, 0, 0, 0};
        for (i64 image = 0; image < a.n; ++image) {
            const Box dy = load_box(a.dy + 4 * (image * a.p + i)), size = load_box(a.size + 4 * image);
            g = {g.x0 + dy.x0 * size.x0, g.y0 + dy.y0 * size.y0, g.x1 + dy.x1 * size.x1, g.y1 + dy.y1 * size.y1};
        }
        store_box(a.dx + 4 * i, {g.x0 + g.x1, g.y0 + g.y1, 0.5f * (g.x1 - g.x0), 0.5f * (g.y1 - g.y0)});
    }
}
