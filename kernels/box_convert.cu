// Boxes between (x0, y0, x1, y1) and (centre x, centre y, width, height).
#include "box.cuh"

ARGS(BoxConvert, const float* x; float* y; i64 n; i64 to_xyxy;)

KERNEL(box_convert_fwd_f32, BoxConvert) {
    KERNEL_LOOP(i, a.n) {
        const Box b = load_box(a.x + 4 * i);
        store_box(a.y + 4 * i, a.to_xyxy ? Box{b.x0 - 0.5f * b.x1, b.y0 - 0.5f * b.y1, b.x0 + 0.5f * b.x1, b.y0 + 0.5f * b.y1}
                                         : Box{(b.x0 + b.x1) / 2, (b.y0 + b.y1) / 2, b.x1 - b.x0, b.y1 - b.y0});
    }
}

// Both directions are linear: the gradient goes through the transposed matrix.
ARGS(BoxConvertBwd, const float* dy; float* dx; i64 n; i64 to_xyxy;)

KERNEL(box_convert_bwd_f32, BoxConvertBwd) {
    KERNEL_LOOP(i, a.n) {
        const Box g = load_box(a.dy + 4 * i);
        store_box(a.dx + 4 * i, a.to_xyxy ? Box{g.x0 + g.x1, g.y0 + g.y1, 0.5f * (g.x1 - g.x0), 0.5f * (g.y1 - g.y0)}
                                          : Box{0.5f * g.x0 - g.x1, 0.5f * g.y0 - g.y1, 0.5f * g.x0 + g.x1, 0.5f * g.y0 + g.y1});
    }
}
