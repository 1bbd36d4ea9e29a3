// Column-major matrix products, computed the plain way on the host, as cuBLAS and cuBLASLt document them.
#pragma once
#include <cstdint>

#include "numbers.h"

namespace standin {

enum Status { success = 0, not_initialized = 1, invalid_value = 7, execution_failed = 13, not_supported = 15 };
enum DataType { R_32F = 0, R_16BF = 14 };
enum ComputeType { compute_32F = 68, compute_32F_fast_TF32 = 77 };
enum Operation { op_N = 0, op_T = 1 };

inline const char* status_name(int status) {
    switch (status) {
        case success: return "CUBLAS_STATUS_SUCCESS";
        case not_initialized: return "CUBLAS_STATUS_NOT_INITIALIZED";
        case invalid_value: return "CUBLAS_STATUS_INVALID_VALUE";
        case execution_failed: return "CUBLAS_STATUS_EXECUTION_FAILED";
        case not_supported: return "CUBLAS_STATUS_NOT_SUPPORTED";
    }
    return "CUBLAS_STATUS_UNKNOWN";
}
inline const char* status_text(int status) {
    switch (status) {
        case success: return "the operation completed successfully";
        case not_initialized: return "the library was not initialized";
        case invalid_value: return "an unsupported value or parameter was passed to the function";
        case execution_failed: return "the function failed to launch on the GPU";
        case not_supported: return "the functionality requested is not supported";
    }
    return "unknown";
}

// rows x columns as they lie in memory, ld elements between two columns, stride between two matrices of a batch.
struct Layout {
    int32_t type;
    int64_t rows, columns, ld, stride = 0;
    int32_t batch = 1;

    bool sound() const { return rows > 0 && columns > 0 && ld >= rows && batch > 0; }
    float load(const void* data, int64_t matrix, int64_t row, int64_t column) const {
        const int64_t i = matrix * stride + column * ld + row;
        return type == R_16BF ? bits(uint32_t(static_cast<const uint16_t*>(data)[i]) << 16) : static_cast<const float*>(data)[i];
    }
    void store(void* data, int64_t matrix, int64_t row, int64_t column, float value) const {
        const int64_t i = matrix * stride + column * ld + row;
        if (type == R_16BF) static_cast<uint16_t*>(data)[i] = uint16_t(bits(rounded(value, 16)) >> 16);
        else static_cast<float*>(data)[i] = value;
    }
};

// How a sum is computed: in so many parts, which may be rounded to the type of C before they meet.
struct Sum {
    int parts = 1;
    bool rounded_parts = false;
};

struct Product {
    int32_t compute, trans_a, trans_b;
    Layout a, b, c;
    const float *alpha, *beta;
    const void* bias = nullptr;  // one per row of C, of its type
    bool relu = false;

    // Whether the sizes and types fit.
    int check() const {
        const int64_t m = trans_a == op_N ? a.rows : a.columns, k = trans_a == op_N ? a.columns : a.rows;
        const int64_t k2 = trans_b == op_N ? b.rows : b.columns, n = trans_b == op_N ? b.columns : b.rows;
        if (!a.sound() || !b.sound() || !c.sound() || m != c.rows || n != c.columns || k != k2) return invalid_value;
        if (a.batch != c.batch || b.batch != c.batch) return invalid_value;
        if (a.type != b.type || (c.type != a.type && c.type != R_32F)) return not_supported;
        if (compute != compute_32F && (compute != compute_32F_fast_TF32 || a.type != R_32F)) return not_supported;
        return success;
    }

    void run(const void* matrix_a, const void* matrix_b, void* matrix_c, Sum how) const {
        auto factor = [&](float x) { return compute == compute_32F_fast_TF32 ? rounded(x, 13) : x; };
        const int64_t k = trans_a == op_N ? a.columns : a.rows;
        for (int64_t matrix = 0; matrix < c.batch; matrix++) {
            for (int64_t column = 0; column < c.columns; column++) {
                for (int64_t row = 0; row < c.rows; row++) {
                    float sum = 0;
                    for (int part = 0; part < how.parts; part++) {
                        float partial = 0;
                        for (int64_t i = k * part / how.parts; i < k * (part + 1) / how.parts; i++) {
                            const float x = trans_a == op_N ? a.load(matrix_a, matrix, row, i) : a.load(matrix_a, matrix, i, row);
                            const float y = trans_b == op_N ? b.load(matrix_b, matrix, i, column) : b.load(matrix_b, matrix, column, i);
                            partial += factor(x) * factor(y);
                        }
                        sum += partial;
                        if (how.rounded_parts && c.type == R_16BF) sum = rounded(sum, 16);
                    }
                    float value = *alpha * sum;
                    if (*beta != 0) value += *beta * c.load(matrix_c, matrix, row, column);  // C may hold anything otherwise
                    if (bias) value += Layout{c.type, c.rows, 1, c.rows}.load(bias, 0, row, 0);
                    c.store(matrix_c, matrix, row, column, relu && value < 0 ? 0 : value);
                }
            }
        }
    }
};

}  // namespace standin
