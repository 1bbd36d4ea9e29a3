// Linear sum assignment of every (stage, image) at once: shortest augmenting paths after Crouse (2016), a block a problem. Every
// scan and every tie goes as in SciPy's linear_sum_assignment, so equal costs give its pairs; potentials and paths are double.
#include "common.cuh"

// cost (stages, objects, proposals); image n has the objects [offsets[n], offsets[n + 1]). match (stages, images, proposals): the
// proposal's object, or -1. work: 4 i64 for every proposal and object of every stage.
ARGS(Assignment, const float* cost; const int32_t* offsets; int32_t* match; i64* work; i64 images; i64 proposals; i64 objects;)

// The nearest column seen so far: how far, and the place among equals in the order they are preferred.
struct Nearest {
    double cost;
    i64 place;
};

DEVICE Nearest nearer(Nearest x, Nearest y) { return y.cost < x.cost || (y.cost == x.cost && y.place < x.place) ? y : x; }

// The nearest of all threads, for every thread.
#if defined(__CUDACC__) || defined(SPARSERCNN_EMULATE)
DEVICE Nearest block_nearest(Nearest v) {
    SHARED(Nearest, parts, 32);
    for (int offset = 16; offset > 0; offset >>= 1) {
        const double cost = __shfl_xor_sync(0xffffffffu, v.cost, offset);
        const i64 place = __shfl_xor_sync(0xffffffffu, v.place, offset);
        v = nearer(v, {cost, place});
    }
    __syncthreads();  // an earlier one may still be read
    if ((threadIdx.x & 31) == 0) parts[threadIdx.x >> 5] = v;
    __syncthreads();
    Nearest total = parts[0];
    for (int w = 1; w < (int)(blockDim.x >> 5); ++w) total = nearer(total, parts[w]);
    return total;
}
#else
DEVICE Nearest block_nearest(Nearest v) { return v; }
#endif

// A sum rounded as it is written: a tie hangs on its last bit, and g++ may reorder sums.
#if defined(__CUDACC__)
DEVICE double sum_rn(double x, double y) { return __dadd_rn(x, y); }
#else
DEVICE double sum_rn(double x, double y) {
    double sum = x + y;
    __asm__("" : "+x"(sum));
    return sum;
}
#endif

KERNEL(assignment_fwd_f32, Assignment) {
    const double infinity = INFINITY_F;
    const i64 stage = ROW() / a.images, image = ROW() % a.images, proposals = a.proposals;
    const i64 first = a.offsets[image], objects = a.offsets[image + 1] - first;
    const bool by_object = objects < proposals;  // rows are the fewer
    const i64 rows = by_object ? objects : proposals, cols = by_object ? proposals : objects;
    const i64 row_step = by_object ? proposals : 1, col_step = by_object ? 1 : proposals;
    const float* cost = a.cost + (stage * a.objects + first) * proposals;

    double* path_cost = (double*)(a.work + 4 * (stage * (a.images * proposals + a.objects) + image * proposals + first));
    double *col_potential = path_cost + cols, *row_potential = col_potential + cols;
    int32_t* path_row = (int32_t*)(path_cost + 2 * (proposals + objects));  // per column: the row before it on the path
    int32_t *row_of_col = path_row + cols, *remaining = row_of_col + cols, *col_of_row = remaining + cols;
    BLOCK_LOOP(col, cols) {
        col_potential[col] = 0;
        row_of_col[col] = -1;
    }
    BLOCK_LOOP(row, rows) {
        row_potential[row] = 0;
        col_of_row[row] = -1;
    }
    for (i64 free_row = 0; free_row < rows; ++free_row) {
        // Dijkstra over reduced costs to the nearest free column. remaining: columns not on the tree, then those that are.
        BLOCK_LOOP(col, cols) {
            path_cost[col] = infinity;
            remaining[col] = (int32_t)(cols - col - 1);  // reversed: a constant matrix then gives the identity
        }
        BLOCK_SYNC();
        double reach = 0;
        i64 left = cols, row = free_row, sink = -1;
        while (sink < 0) {
            const float* costs = cost + row * row_step;
            const double potential = row_potential[row];
            Nearest best = {infinity, cols};
            BLOCK_LOOP(k, left) {
                const i64 col = remaining[k];
                const double candidate = sum_rn(sum_rn(sum_rn(reach, (double)costs[col * col_step]), -potential), -col_potential[col]);
                double known = path_cost[col];
                if (candidate < known) {
                    path_row[col] = (int32_t)row;
                    path_cost[col] = known = candidate;
                }
                // Among equally near columns the last free one ends the search; of those taken the first goes on.
                best = nearer(best, {known, row_of_col[col] < 0 ? -1 - k : k});
            }
            best = block_nearest(best);
            reach = best.cost;
            if (!(reach < infinity)) break;
            const i64 at = best.place < 0 ? -1 - best.place : best.place, col = remaining[at];
            BLOCK_SYNC();  // all have read it
            --left;
            BLOCK_LEADER {
                remaining[at] = remaining[left];
                remaining[left] = (int32_t)col;
            }
            if (best.place < 0)
                sink = col;
            else
                row = row_of_col[col];
            BLOCK_SYNC();
        }
        if (sink < 0) break;  // costs that are not finite leave no assignment; the matcher has none
        BLOCK_LOOP(k, cols - left) {
            const i64 col = remaining[left + k], taken = row_of_col[col];
            const double change = sum_rn(reach, -path_cost[col]);
            col_potential[col] = sum_rn(col_potential[col], -change);
            if (taken >= 0) row_potential[taken] = sum_rn(row_potential[taken], change);
        }
        BLOCK_SYNC();
        BLOCK_LEADER {
            row_potential[free_row] += reach;
            i64 col = sink;
            for (i64 on = -1; on != free_row;) {  // flip the pairs along the path back
                on = path_row[col];
                row_of_col[col] = (int32_t)on;
                const i64 previous = col_of_row[on];
                col_of_row[on] = (int32_t)col;
                col = previous;
            }
        }
        BLOCK_SYNC();
    }
    BLOCK_SYNC();
    int32_t* match = a.match + ROW() * proposals;
    const int32_t* partner = by_object ? row_of_col : col_of_row;
    BLOCK_LOOP(p, proposals) match[p] = partner[p] < 0 ? -1 : (int32_t)(first + partner[p]);
}
