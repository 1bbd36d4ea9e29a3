// A head's deltas (dx, dy, dw, dh) applied to boxes, as Faster R-CNN does: the centre moves by dx/wx box widths and dy/wy
// heights, the sides grow by e^(dw/ww) and e^(dh/wh), whose exponents are cut at `clamp`.
#include "box.cuh"

ARGS(BoxDecodeFwd, const float* deltas; const float* boxes; float* y; i64 n; double wx; double wy; double ww; double wh;
     double clamp;)

struct Decoding {
    float width, height, dx, dy, grow_x, grow_y;
    bool width_free, height_free;  // not above the clamp
};

template <class Args>
DEVICE Decoding decode(const Args& a, Box b, Box delta) {
    const float clamp = (float)a.clamp, dw = delta.x1 / (float)a.ww, dh = delta.y1 / (float)a.wh;
    const float width = b.x1 - b.x0, height = b.y1 - b.y0;
    return {width, height, delta.x0 / (float)a.wx, delta.y0 / (float)a.wy, exp_f(dw > clamp ? clamp : dw),
            exp_f(dh > clamp ? clamp : dh), dw <= clamp, dh <= clamp};
}

KERNEL(box_decode_fwd_f32, BoxDecodeFwd) {
    KERNEL_LOOP(i, a.n) {
        const Box b = load_box(a.boxes + 4 * i);
        const Decoding d = decode(a, b, load_box(a.deltas + 4 * i));
        const float x = d.dx * d.width + (b.x0 + 0.5f * d.width), y = d.dy * d.height + (b.y0 + 0.5f * d.height);
        const float width = d.grow_x * d.width, height = d.grow_y * d.height;
        store_box(a.y + 4 * i, {x - 0.5f * width, y - 0.5f * height, x + 0.5f * width, y + 0.5f * height});
    }
}

// Either gradient may be absent.
ARGS(BoxDecodeBwd, const float* dy; const float* deltas; const float* boxes; float* ddeltas; float* dboxes; i64 n; double wx;
     double wy; double ww; double wh; double clamp;)

KERNEL(box_decode_bwd_f32, BoxDecodeBwd) {
    KERNEL_LOOP(i, a.n) {
        const Box b = load_box(a.boxes + 4 * i), g = load_box(a.dy + 4 * i);
        const Decoding d = decode(a, b, load_box(a.deltas + 4 * i));
        const float by_x = g.x0 + g.x1, by_y = g.y0 + g.y1;
        const float by_width = 0.5f * (g.x1 - g.x0), by_height = 0.5f * (g.y1 - g.y0);
        if (a.ddeltas)
            store_box(a.ddeltas + 4 * i, {by_x * d.width / (float)a.wx, by_y * d.height / (float)a.wy,
                                          d.width_free ? by_width * d.grow_x * d.width / (float)a.ww : 0.0f,
                                          d.height_free ? by_height * d.grow_y * d.height / (float)a.wh : 0.0f});
        if (a.dboxes) {
            const float w = by_x * d.dx + by_width * d.grow_x;
            const float h = by_y * d.dy + by_height * d.grow_y;
            store_box(a.dboxes + 4 * i, {0.5f * by_x - w, 0.5f * by_y - h, 0.5f * by_x + w, 0.5f * by_y + h});
        }
    }
}
