// Copies a strided view of up to six axes into row-major order.
#include "common.cuh"

ARGS(Permute, const float* x; float* y; i64 n;
     i64 size0; i64 size1; i64 size2; i64 size3; i64 size4; i64 size5;
     i64 stride0; i64 stride1; i64 stride2; i64 stride3; i64 stride4; i64 stride5;)

KERNEL(permute_fwd_f32, Permute) {
    KERNEL_LOOP(i, a.n) {
        i64 rest = i;
        i64 from = rest % a.size5 * a.stride5;
        rest /= a.size5;
        from += rest % a.size4 * a.stride4;
        rest /= a.size4;
        from += rest % a.size3 * a.stride3;
        rest /= a.size3;
        from += rest % a.size2 * a.stride2;
        rest /= a.size2;
        from += rest % a.size1 * a.stride1;
        rest /= a.size1;
        from += rest * a.stride0;
        a.y[i] = a.x[from];
    }
}
