// A stand-in for cuBLASLt, for tests on machines without a card: libcublasLt.so.13 with the functions that this program calls, on
// host memory, at once; streams are not looked at. It is as strict as the library, or stricter: an attribute of another size, an
// object of another kind, an address less aligned than the search was told, a workspace too small are errors.
//
// The numbers are those of NVIDIA's cublasLt.h, copied here a second time so that a wrong one on the Java side does not go unseen.
#include <map>

#include "column_major.h"

using namespace standin;

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

enum Epilogue { epilogue_default = 1, epilogue_relu = 2, epilogue_bias = 4, epilogue_relu_bias = 6 };
enum Reduction { in_place = 1, compute_type = 2, output_type = 4 };

enum class Kind : int64_t { handle = 0x4c61, desc, layout, preference };

int64_t version = 130101;
int32_t next_status = success;
int64_t objects = 0;
bool refused[8] = {};
int64_t last_reduction = 0;
int64_t last_stream = 0;

struct Object {
    Kind kind;
    explicit Object(Kind kind) : kind(kind) { objects++; }
    ~Object() { kind = Kind(0), objects--; }
};
struct Handle : Object {
    Handle() : Object(Kind::handle) {}
};

struct Desc : Object {
    int32_t compute, scale, trans_a = op_N, trans_b = op_N;
    uint32_t epilogue = epilogue_default;
    const void* bias = nullptr;
    Desc(int32_t compute, int32_t scale) : Object(Kind::desc), compute(compute), scale(scale) {}

    bool has_bias() const { return epilogue & epilogue_bias; }
};
struct MatrixLayout : Object, Layout {
    MatrixLayout(int32_t type, int64_t rows, int64_t columns, int64_t ld)
        : Object(Kind::layout), Layout{type, rows, columns, ld} {}
};
struct Preference : Object {
    uint64_t workspace = 0;
    uint32_t reductions = 7, alignment[4] = {256, 256, 256, 256};
    Preference() : Object(Kind::preference) {}
};

// What an opaque algorithm says to us.
struct Algorithm {
    int64_t magic, reduction, workspace, alignment[4], bias_alignment;
    static const int64_t right = 0x616c676f;
};
struct HeuristicResult {
    Algorithm algo;
    size_t workspace;
    int32_t state;
    float waves;
    int32_t reserved[4];
};
static_assert(sizeof(Algorithm) == 64 && sizeof(HeuristicResult) == 96);

bool is(const Object* object, Kind kind) { return object && object->kind == kind; }
int status() {
    const int32_t now = next_status;
    next_status = success;
    return now;
}
template <typename T>
int create(T** out, T* object) {
    *out = object;
    return status();
}
template <typename T>
int destroy(T* object, Kind kind) {
    if (!is(object, kind)) return invalid_value;
    delete object;
    return success;
}
template <typename T>
int assign(T& field, const void* value, size_t bytes) {
    if (!value || bytes != sizeof field) return invalid_value;
    memcpy(&field, value, bytes);
    return success;
}

Product product(const Desc* desc, const Layout* a, const Layout* b, const Layout* c, const float* alpha, const float* beta) {
    return {desc->compute, desc->trans_a, desc->trans_b, *a, *b, *c, alpha, beta, desc->has_bias() ? desc->bias : nullptr,
            bool(desc->epilogue & epilogue_relu)};
}

}  // namespace

// Steering

EXPORT void standin_version(int64_t number) { version = number; }
// The next call that can returns that.
EXPORT void standin_status(int32_t status) { next_status = status; }
// Whether no algorithm has that epilogue.
EXPORT void standin_refuse(int32_t epilogue, int32_t refuse) { refused[epilogue] = refuse; }
// Handles, descriptors, layouts and preferences that live.
EXPORT int64_t standin_objects() { return objects; }
// How the parts of the sums of the last product met.
EXPORT int64_t standin_last_reduction() { return last_reduction; }
EXPORT int64_t standin_last_stream() { return last_stream; }

// The library

EXPORT size_t cublasLtGetVersion() { return version; }
EXPORT const char* cublasLtGetStatusName(int status) { return status_name(status); }
EXPORT const char* cublasLtGetStatusString(int status) { return status_text(status); }

EXPORT int cublasLtCreate(Handle** handle) {
    if (next_status) return status();
    return create(handle, new Handle);
}
EXPORT int cublasLtDestroy(Handle* handle) { return destroy(handle, Kind::handle); }
EXPORT int cublasLtMatmulDescCreate(Desc** desc, int32_t compute, int32_t scale) { return create(desc, new Desc(compute, scale)); }
EXPORT int cublasLtMatmulDescDestroy(Desc* desc) { return destroy(desc, Kind::desc); }
EXPORT int cublasLtMatrixLayoutCreate(MatrixLayout** layout, int32_t type, uint64_t rows, uint64_t columns, int64_t ld) {
    return create(layout, new MatrixLayout(type, rows, columns, ld));
}
EXPORT int cublasLtMatrixLayoutDestroy(MatrixLayout* layout) { return destroy(layout, Kind::layout); }
EXPORT int cublasLtMatmulPreferenceCreate(Preference** preference) { return create(preference, new Preference); }
EXPORT int cublasLtMatmulPreferenceDestroy(Preference* preference) { return destroy(preference, Kind::preference); }

EXPORT int cublasLtMatmulDescSetAttribute(Desc* desc, int32_t attribute, const void* value, size_t bytes) {
    if (!is(desc, Kind::desc)) return invalid_value;
    switch (attribute) {
        case 3: return assign(desc->trans_a, value, bytes);   // CUBLASLT_MATMUL_DESC_TRANSA
        case 4: return assign(desc->trans_b, value, bytes);   // CUBLASLT_MATMUL_DESC_TRANSB
        case 7: return assign(desc->epilogue, value, bytes);  // CUBLASLT_MATMUL_DESC_EPILOGUE
        case 8: return assign(desc->bias, value, bytes);      // CUBLASLT_MATMUL_DESC_BIAS_POINTER
    }
    return invalid_value;
}
EXPORT int cublasLtMatrixLayoutSetAttribute(MatrixLayout* layout, int32_t attribute, const void* value, size_t bytes) {
    if (!is(layout, Kind::layout)) return invalid_value;
    switch (attribute) {
        case 5: return assign(layout->batch, value, bytes);   // CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT
        case 6: return assign(layout->stride, value, bytes);  // CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET
    }
    return invalid_value;
}
EXPORT int cublasLtMatmulPreferenceSetAttribute(Preference* preference, int32_t attribute, const void* value, size_t bytes) {
    if (!is(preference, Kind::preference)) return invalid_value;
    switch (attribute) {
        case 1: return assign(preference->workspace, value, bytes);   // CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES
        case 3: return assign(preference->reductions, value, bytes);  // CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK
        case 5:                                                       // CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES
        case 6:                                                       // ... B
        case 7:                                                       // ... C
        case 8: return assign(preference->alignment[attribute - 5], value, bytes);  // ... D
    }
    return invalid_value;
}

// Splits every sum that it may: the less exact, the sooner.
EXPORT int cublasLtMatmulAlgoGetHeuristic(Handle* handle, Desc* desc, MatrixLayout* a, MatrixLayout* b, MatrixLayout* c, MatrixLayout* d,
                                          Preference* preference, int requested, HeuristicResult* results, int* count) {
    if (next_status) return status();
    if (!is(handle, Kind::handle) || !is(desc, Kind::desc) || !is(preference, Kind::preference) || requested < 1) return invalid_value;
    if (!is(a, Kind::layout) || !is(b, Kind::layout) || !is(c, Kind::layout) || c != d) return invalid_value;
    if (desc->scale != R_32F) return invalid_value;
    if (int code = product(desc, a, b, c, nullptr, nullptr).check()) return code;
    *count = 0;
    if (desc->epilogue >= 8 || refused[desc->epilogue]) return not_supported;
    Algorithm algo{Algorithm::right, 0, 0, {}, 0};
    for (int i = 0; i < 4; i++) algo.alignment[i] = preference->alignment[i];
    algo.bias_alignment = desc->has_bias() ? int64_t(desc->bias) & -int64_t(desc->bias) : 1;
    const int64_t parts = 2 * c->rows * c->columns * c->batch * 4;
    if (preference->reductions & in_place) algo.reduction = in_place;
    else if (preference->reductions & output_type) algo.reduction = output_type;
    else if (preference->reductions & compute_type) algo.reduction = compute_type;
    if (algo.reduction == output_type || algo.reduction == compute_type) algo.workspace = parts;
    if (uint64_t(algo.workspace) > preference->workspace) algo.reduction = algo.workspace = 0;
    results[0] = {algo, size_t(algo.workspace), success, 1, {}};
    *count = 1;
    return success;
}

EXPORT int cublasLtMatmul(Handle* handle, Desc* desc, const float* alpha, const void* a, MatrixLayout* layout_a, const void* b,
                          MatrixLayout* layout_b, const float* beta, const void* c, MatrixLayout* layout_c, void* d,
                          MatrixLayout* layout_d, const Algorithm* algo, void* workspace, size_t bytes, int64_t stream) {
    if (next_status) return status();
    if (!is(handle, Kind::handle) || !is(desc, Kind::desc) || algo->magic != Algorithm::right || c != d) return invalid_value;
    if (!is(layout_a, Kind::layout) || !is(layout_b, Kind::layout) || layout_c != layout_d || !is(layout_c, Kind::layout)) return invalid_value;
    if (bytes < size_t(algo->workspace) || (algo->workspace && (!workspace || int64_t(workspace) % 256))) return invalid_value;
    const Product p = product(desc, layout_a, layout_b, layout_c, alpha, beta);
    if (int code = p.check()) return code;
    const void* addresses[4] = {a, b, c, d};
    for (int i = 0; i < 4; i++) {
        if (int64_t(addresses[i]) % algo->alignment[i]) return execution_failed;
    }
    // The search has no alignment of the bias but that of the address it saw; kernels may read 16 bytes at once whatever it was.
    if (desc->has_bias() && (int64_t(desc->bias) < 4096 || int64_t(desc->bias) % 16 || algo->bias_alignment < 16)) return execution_failed;
    if (algo->workspace) memset(workspace, 0xA5, algo->workspace);
    p.run(a, b, d, {algo->reduction ? 2 : 1, algo->reduction == in_place || algo->reduction == output_type});
    last_reduction = algo->reduction;
    last_stream = stream;
    return success;
}
