// Overlap of two boxes (x0, y0, x1, y1) and its derivatives. Written for any input: inverted sides give an empty
// intersection or hull, an empty union an IoU of 0, an empty hull no hull term; NaN gives NaN. The published code asserts
// proper boxes and divides 0 by 0 there; for proper boxes with area the numbers are the same.
#pragma once
#include "common.cuh"

struct Box {
    float x0, y0, x1, y1;
};

DEVICE Box load_box(const float* p) { return {p[0], p[1], p[2], p[3]}; }
DEVICE void store_box(float* p, Box b) { p[0] = b.x0, p[1] = b.y0, p[2] = b.x1, p[3] = b.y1; }

struct Overlap {
    float inter, uni, hull;
};

DEVICE Overlap overlap(Box a, Box b) {
    const float inter = relu_f(min_nan(a.x1, b.x1) - max_nan(a.x0, b.x0)) * relu_f(min_nan(a.y1, b.y1) - max_nan(a.y0, b.y0));
    const float hull = relu_f(max_nan(a.x1, b.x1) - min_nan(a.x0, b.x0)) * relu_f(max_nan(a.y1, b.y1) - min_nan(a.y0, b.y0));
    return {inter, (a.x1 - a.x0) * (a.y1 - a.y0) + (b.x1 - b.x0) * (b.y1 - b.y0) - inter, hull};
}

DEVICE float iou_of(Overlap o) { return o.uni <= 0 ? 0.0f : o.inter / o.uni; }

// Generalised IoU (Rezatofighi et al. 2019): IoU minus the share of the hull that neither box covers.
DEVICE float giou_of(Overlap o) { return iou_of(o) - (o.hull <= 0 ? 0.0f : (o.hull - o.uni) / o.hull); }

// How much of min(x, y)'s gradient goes to x; like PyTorch, a tie is split.
DEVICE float share_of_min(float x, float y) { return x < y ? 1.0f : x == y ? 0.5f : 0.0f; }

// Gradient for `own` of a function whose derivatives by intersection, own area and hull are given. Touching boxes do not overlap:
// the intersection has no gradient there.
DEVICE Box overlap_grad(Box own, Box other, float by_inter, float by_area, float by_hull) {
    const float iw = min_nan(own.x1, other.x1) - max_nan(own.x0, other.x0);
    const float ih = min_nan(own.y1, other.y1) - max_nan(own.y0, other.y0);
    const float hw = max_nan(own.x1, other.x1) - min_nan(own.x0, other.x0);
    const float hh = max_nan(own.y1, other.y1) - min_nan(own.y0, other.y0);
    const float inter_x = iw <= 0 ? 0.0f : by_inter * relu_f(ih), inter_y = ih <= 0 ? 0.0f : by_inter * relu_f(iw);
    const float hull_x = hw <= 0 ? 0.0f : by_hull * relu_f(hh), hull_y = hh <= 0 ? 0.0f : by_hull * relu_f(hw);
    const float area_x = by_area * (own.y1 - own.y0), area_y = by_area * (own.x1 - own.x0);
    return {-(inter_x * share_of_min(other.x0, own.x0) + area_x + hull_x * share_of_min(own.x0, other.x0)),
            -(inter_y * share_of_min(other.y0, own.y0) + area_y + hull_y * share_of_min(own.y0, other.y0)),
            inter_x * share_of_min(own.x1, other.x1) + area_x + hull_x * share_of_min(other.x1, own.x1),
            inter_y * share_of_min(own.y1, other.y1) + area_y + hull_y * share_of_min(other.y1, own.y1)};
}

// Union = both areas - intersection, so d/d area = d/d union and d/d inter loses it.
DEVICE Box iou_grad(Box own, Box other, float d_iou, float d_union) {
    const Overlap o = overlap(own, other);
    const float by_union = d_union - (o.uni <= 0 ? 0.0f : d_iou * o.inter / o.uni / o.uni);
    const float by_inter = (o.uni <= 0 ? 0.0f : d_iou / o.uni) - by_union;
    return overlap_grad(own, other, by_inter, by_union, 0);
}

DEVICE Box giou_grad(Box own, Box other, float d_giou) {
    const Overlap o = overlap(own, other);
    const float by_union = d_giou * ((o.hull <= 0 ? 0.0f : 1 / o.hull) - (o.uni <= 0 ? 0.0f : o.inter / o.uni / o.uni));
    const float by_inter = (o.uni <= 0 ? 0.0f : d_giou / o.uni) - by_union;
    return overlap_grad(own, other, by_inter, by_union, o.hull <= 0 ? 0.0f : -d_giou * o.uni / o.hull / o.hull);
}
