// What a stage predicted for a batch: an entry of a table in device memory.
#pragma once
#include "common.cuh"

struct Stage {
    const float* logits;  // (images, proposals, classes)
    const float* boxes;   // (images, proposals, 4): corners in pixels
};
