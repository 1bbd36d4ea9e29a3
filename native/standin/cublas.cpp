// A stand-in for cuBLAS 12, for tests on machines without a card: libcublas.so.12 with the functions that JCuda is asked for, on host
// memory, at once. Like the library it takes another workspace from the stream it is set to, and forgets the one it was given.
#include "column_major.h"

using namespace standin;

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

struct Handle {
    int64_t stream = 0;
    void* workspace = nullptr;
    size_t bytes = 0;
    int32_t math = 0;
};

int32_t next_status = success;
int64_t handles = 0;
Handle last = {};

int status() {
    const int32_t now = next_status;
    next_status = success;
    return now;
}

}  // namespace

// Steering

// The next cublasCreate or product returns that.
EXPORT void standin_status(int32_t status) { next_status = status; }
EXPORT int64_t standin_objects() { return handles; }
EXPORT int64_t standin_last_stream() { return last.stream; }
EXPORT int64_t standin_last_workspace() { return int64_t(last.workspace); }
EXPORT int64_t standin_last_math() { return last.math; }

// The library

EXPORT const char* cublasGetStatusName(int status) { return status_name(status); }
EXPORT const char* cublasGetStatusString(int status) { return status_text(status); }

EXPORT int cublasCreate_v2(Handle** handle) {
    if (next_status) return status();
    *handle = new Handle;
    handles++;
    return success;
}
EXPORT int cublasDestroy_v2(Handle* handle) {
    delete handle;
    handles--;
    return success;
}
EXPORT int cublasGetVersion_v2(Handle* handle, int* version) {
    if (!handle) return not_initialized;
    *version = 120604;
    return success;
}
EXPORT int cublasSetMathMode(Handle* handle, int32_t mode) {
    handle->math = mode;
    return success;
}
EXPORT int cublasSetStream_v2(Handle* handle, int64_t stream) {
    *handle = {stream, nullptr, 0, handle->math};
    return success;
}
EXPORT int cublasSetWorkspace_v2(Handle* handle, void* workspace, size_t bytes) {
    if (int64_t(workspace) % 256) return invalid_value;
    handle->workspace = workspace;
    handle->bytes = bytes;
    return success;
}

EXPORT int cublasGemmStridedBatchedEx(Handle* handle, int trans_a, int trans_b, int m, int n, int k, const float* alpha, const void* a,
                                      int type_a, int lda, long long stride_a, const void* b, int type_b, int ldb, long long stride_b,
                                      const float* beta, void* c, int type_c, int ldc, long long stride_c, int batch, int compute,
                                      int algo) {
    if (next_status) return status();
    if (!handle->workspace || algo != -1) return invalid_value;  // CUBLAS_GEMM_DEFAULT
    Layout layout_a{type_a, trans_a == op_N ? m : k, trans_a == op_N ? k : m, lda, stride_a, batch};
    Layout layout_b{type_b, trans_b == op_N ? k : n, trans_b == op_N ? n : k, ldb, stride_b, batch};
    Product product{compute, trans_a, trans_b, layout_a, layout_b, {type_c, m, n, ldc, stride_c, batch}, alpha, beta};
    if (int code = product.check()) return code;
    memset(handle->workspace, 0xA5, handle->bytes);
    product.run(a, b, c, {});
    last = *handle;
    return success;
}
