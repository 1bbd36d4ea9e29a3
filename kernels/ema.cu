// Exponential moving averages of what training changes (Polyak and Juditsky 1992), over all tensors in one launch.
#include "parameters.cuh"

// An average, and the value it follows.
struct Averaged {
    float *average, *value;
};

// A row is a part of a tensor. average = d average + (1 - d) value; after n updates d = min(decay, (1 + n) / (10 + n)), so that the
// first values do not stay for long. Nothing changes where stats[1] says that the step was skipped.
ARGS(EmaUpdate, const Averaged* averaged; const Part* parts; const float* stats; const i64* step; double decay;)

KERNEL(ema_update_f32, EmaUpdate) {
    const Part part = a.parts[ROW()];
    const Averaged t = a.averaged[part.parameter];
    if (a.stats[1] == 0) return;
    const double n = (double)*a.step, early = (1 + n) / (10 + n);
    const float move = (float)(1 - (early < a.decay ? early : a.decay));
    float* average = t.average + part.first;
    const float* value = t.value + part.first;
    BLOCK_LOOP(i, part.length) average[i] += move * (value[i] - average[i]);
}

// Averages and values change places.
ARGS(EmaSwap, const Averaged* averaged; const Part* parts;)

KERNEL(ema_swap_f32, EmaSwap) {
    const Part part = a.parts[ROW()];
    const Averaged t = a.averaged[part.parameter];
    float *average = t.average + part.first, *value = t.value + part.first;
    BLOCK_LOOP(i, part.length) {
        const float kept = value[i];
        value[i] = average[i];
        average[i] = kept;
    }
}
