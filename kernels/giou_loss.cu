// 1 - generalised IoU of matched boxes: y[i] = 1 - giou(boxes[source[i]], target[i]).
#include "box.cuh"

ARGS(GiouLossFwd, const float* boxes; const int32_t* source; const float* target; float* y; i64 pairs;)

KERNEL(giou_loss_fwd_f32, GiouLossFwd) {
    KERNEL_LOOP(i, a.pairs)
        a.y[i] = 1 - giou_of(overlap(load_box(a.boxes + 4 * a.source[i]), load_box(a.target + 4 * i)));
}

// dboxes was zeroed, and no row of boxes is matched twice. Either gradient may be absent.
ARGS(GiouLossBwd, const float* dy; const float* boxes; const int32_t* source; const float* target; float* dboxes;
     float* dtarget; i64 pairs;)

KERNEL(giou_loss_bwd_f32, GiouLossBwd) {
    KERNEL_LOOP(i, a.pairs) {
        const Box box = load_box(a.boxes + 4 * a.source[i]), target = load_box(a.target + 4 * i);
        if (a.dboxes) store_box(a.dboxes + 4 * a.source[i], giou_grad(box, target, -a.dy[i]));
        if (a.dtarget) store_box(a.dtarget + 4 * i, giou_grad(target, box, -a.dy[i]));
    }
}
