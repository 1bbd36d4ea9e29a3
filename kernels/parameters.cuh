// What an optimiser trains, as tables in device memory, so that one launch goes over all parameters: a block takes a chunk.
#pragma once
#include "common.cuh"

// A parameter, what the optimiser keeps for it (pointers may be null), and its share of the learning rate.
struct Trained {
    float *value, *slot0, *slot1;
    i64 elements;
    double lr_factor, weight_decay;
};

// Elements [first, first + length) of a parameter.
struct Part {
    i64 parameter, first, length;
};

// A gradient, null where none came this step.
struct Gradient {
    const float* values;
};
