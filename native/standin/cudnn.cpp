// A stand-in for cuDNN, for tests on machines without a card: libcudnn.so.9 with the functions that this program calls. It computes
// in host memory, at once; streams are only written down. Like cuDNN 9.24 without run-time compilation it knows fused graphs in the
// order residual, bias, ReLU alone, and those only with a bias.
//
// Its engines, as its heuristics name them: in mode A 10 (tensor cores, so fp32 as TF32), 11 (Winograd, it says), 12 (not
// deterministic) and 13; in mode FALLBACK 14. Their workspaces are 4096, 0, 64, 256 and 0 bytes. The functions standin_* steer it.
#include <cstdio>

#include "cudnn_graph.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

struct cudnnContext {
    cudaStream_t stream = nullptr;
};
struct cudnnTensorStruct {
    Tensor tensor{};
};
struct cudnnFilterStruct {
    Tensor tensor{};
};
struct cudnnConvolutionStruct {
    int64_t pad = -1, stride = 0;
    int math = CUDNN_DEFAULT_MATH;
};

namespace {

void log(const Work& k, const char* how, int64_t workspace, cudaStream_t stream) {
    static const char* const kinds[] = {"forward", "backward data", "backward filter"};
    char line[200];
    snprintf(line, sizeof line, "%s by %s %ld workspace %ld stream %ld\n", kinds[k.kind], how, long(k.engine), long(workspace),
             long(reinterpret_cast<intptr_t>(stream)));
    journal += line;
}

std::vector<char> answer(const Descriptor& d, int attribute, int64_t& count) {
    auto array = [&](auto... values) {
        int64_t numbers[] = {values...};
        count = sizeof...(values);
        return std::vector<char>(reinterpret_cast<char*>(numbers), reinterpret_cast<char*>(numbers) + sizeof numbers);
    };
    count = -1;
    if (d.type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR && attribute == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE)
        return array(engine(d.work.engine)->workspace);
    if (d.type == CUDNN_BACKEND_ENGINE_DESCRIPTOR && attribute == CUDNN_ATTR_ENGINE_GLOBAL_INDEX) return array(d.work.engine);
    if (d.type == CUDNN_BACKEND_ENGINE_DESCRIPTOR && attribute == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE) {
        auto& notes = engine(d.work.engine)->notes;
        count = notes.size();
        auto* bytes = reinterpret_cast<const char*>(notes.data());
        return std::vector<char>(bytes, bytes + notes.size() * 4);
    }
    if (d.type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR && attribute == CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION) {
        std::string json = "{\"standin\":[";
        auto* numbers = reinterpret_cast<const int64_t*>(&d.work);
        for (size_t i = 0; i < sizeof(Work) / 8; i++) json += (i ? "," : "") + std::to_string(numbers[i]);
        json += "]}";
        count = json.size() + 1;
        return std::vector<char>(json.c_str(), json.c_str() + count);
    }
    return {};
}

}  // namespace

// Steering

// Everything as at the beginning, but for what is held.
EXPORT void standin_reset() {
    refused = 0;
    version = 92400;
    journal.clear();
}
// 1 graphs that fuse more than the bias, 2 fused graphs, 4 all graphs, 8 plans of engine 10, 16 classic calls
EXPORT void standin_refuse(int64_t what) { refused = int(what); }
EXPORT void standin_version(int64_t number) { version = number; }
// How many handles and descriptors have not been destroyed, or "".
EXPORT const char* standin_held() {
    static std::string text;
    text = live.empty() ? "" : std::to_string(live.size());
    return text.c_str();
}
// What was run since the last call, a line each.
EXPORT const char* standin_log() {
    static std::string last;
    last.swap(journal);
    journal.clear();
    return last.c_str();
}

// cuDNN

EXPORT size_t cudnnGetVersion() { return version; }
EXPORT size_t cudnnGetCudartVersion() { return 13000; }
EXPORT const char* cudnnGetErrorString(cudnnStatus_t status) {
    switch (int(status)) {
        case CUDNN_STATUS_SUCCESS: return "CUDNN_STATUS_SUCCESS";
        case CUDNN_STATUS_BAD_PARAM: return "CUDNN_STATUS_BAD_PARAM";
        case CUDNN_STATUS_NOT_SUPPORTED: return "CUDNN_STATUS_NOT_SUPPORTED";
        default: return "CUDNN_STATUS_OTHER";
    }
}
EXPORT void cudnnGetLastErrorString(char* text, size_t bytes) { snprintf(text, bytes, "%s", message.c_str()); }
EXPORT cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
    live.insert(*handle = new cudnnContext);
    return CUDNN_STATUS_SUCCESS;
}
EXPORT cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
    if (!live.erase(handle)) return fail(CUDNN_STATUS_BAD_PARAM, "no such handle");
    delete handle;
    return CUDNN_STATUS_SUCCESS;
}
EXPORT cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
    if (!live.count(handle)) return fail(CUDNN_STATUS_BAD_PARAM, "no such handle");
    journal += "stream " + std::to_string(reinterpret_cast<intptr_t>(stream)) + "\n";
    handle->stream = stream;
    return CUDNN_STATUS_SUCCESS;
}

// The graph API

EXPORT cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* descriptor) {
    if (!rules.count(type)) return fail(CUDNN_STATUS_NOT_SUPPORTED, "descriptor type");
    auto* made = new Descriptor;
    made->type = type;
    live.insert(*descriptor = made);
    return CUDNN_STATUS_SUCCESS;
}
EXPORT cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
    if (!live.erase(descriptor)) return fail(CUDNN_STATUS_BAD_PARAM, "no such descriptor");
    delete static_cast<Descriptor*>(descriptor);
    return CUDNN_STATUS_SUCCESS;
}
EXPORT cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                              cudnnBackendAttributeType_t type, int64_t count, const void* values) {
    if (!live.count(descriptor)) return fail(CUDNN_STATUS_BAD_PARAM, "no such descriptor");
    auto* d = static_cast<Descriptor*>(descriptor);
    if (d->finished) return fail(CUDNN_STATUS_BAD_PARAM, "the descriptor is finalised");
    if (!values) return fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "values");
    for (const Rule& rule : rules.at(d->type)) {
        if (rule.attribute != name) continue;
        if (rule.type != type) return fail(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "type of an attribute");
        if (count < 1 || count > rule.most) return fail(CUDNN_STATUS_BAD_PARAM, "count of an attribute");
        d->values[name].assign(static_cast<const char*>(values), count * width(type));
        return CUDNN_STATUS_SUCCESS;
    }
    return fail(CUDNN_STATUS_NOT_SUPPORTED, "this descriptor has no attribute " + std::to_string(int(name)));
}
EXPORT cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
    if (!live.count(descriptor)) return fail(CUDNN_STATUS_BAD_PARAM, "no such descriptor");
    auto* d = static_cast<Descriptor*>(descriptor);
    if (d->finished) return fail(CUDNN_STATUS_BAD_PARAM, "finalised twice");
    try {
        finish(*d);
        return CUDNN_STATUS_SUCCESS;
    } catch (const Bad& bad) {
        return fail(bad.status, bad.why);
    }
}
EXPORT cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const descriptor, cudnnBackendAttributeName_t name,
                                              cudnnBackendAttributeType_t type, int64_t wanted, int64_t* count, void* values) {
    if (!live.count(descriptor)) return fail(CUDNN_STATUS_BAD_PARAM, "no such descriptor");
    auto* d = static_cast<Descriptor*>(descriptor);
    if (!d->finished) return fail(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "not finalised");
    bool heuristics = d->type == CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR && name == CUDNN_ATTR_ENGINEHEUR_RESULTS;
    if (heuristics || (d->type == CUDNN_BACKEND_ENGINECFG_DESCRIPTOR && name == CUDNN_ATTR_ENGINECFG_ENGINE)) {
        if (type != DESC) return fail(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "type of an attribute");
        int64_t there = heuristics ? d->engines.size() : 1;
        *count = wanted == 0 ? there : std::min(wanted, there);
        for (int64_t i = 0; i < std::min(wanted, there); i++) {  // the caller brings empty ones
            auto* filled = static_cast<Descriptor**>(values)[i];
            int right = heuristics ? CUDNN_BACKEND_ENGINECFG_DESCRIPTOR : CUDNN_BACKEND_ENGINE_DESCRIPTOR;
            if (!live.count(filled) || filled->type != right || filled->finished)
                return fail(CUDNN_STATUS_BAD_PARAM, "an empty descriptor is wanted");
            filled->work = d->work;
            if (heuristics) filled->work.engine = d->engines[i];
            filled->finished = true;
        }
        return CUDNN_STATUS_SUCCESS;
    }
    int64_t there;
    std::vector<char> bytes = answer(*d, name, there);
    if (there < 0) return fail(CUDNN_STATUS_NOT_SUPPORTED, "this descriptor does not tell " + std::to_string(int(name)));
    int right = name == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE ? CUDNN_TYPE_NUMERICAL_NOTE
                : name == CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION ? CUDNN_TYPE_CHAR : CUDNN_TYPE_INT64;
    if (int(type) != right) return fail(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "type of an attribute");
    *count = there;
    if (there > 0 && wanted > 0) memcpy(values, bytes.data(), bytes.size() / there * std::min(wanted, there));
    return CUDNN_STATUS_SUCCESS;
}
EXPORT cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t pack) {
    auto *p = static_cast<Descriptor*>(plan), *v = static_cast<Descriptor*>(pack);
    if (!live.count(handle) || !live.count(plan) || !live.count(pack) || !p->finished || !v->finished)
        return fail(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "handle, plan and variant pack");
    if (p->config && !live.count(p->config)) return fail(CUDNN_STATUS_BAD_PARAM, "the plan's engine config is gone");
    Work work = p->work;
    std::map<int64_t, char*> pointers;
    size_t count = v->count(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
    if (count != v->count(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS)) return fail(CUDNN_STATUS_BAD_PARAM, "as many ids as pointers");
    for (size_t i = 0; i < count; i++) {
        auto pointer = v->get<char*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, i);
        if (!pointer) return fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "a tensor");
        if (reinterpret_cast<uintptr_t>(pointer) % 16) return fail(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "a tensor");
        pointers[v->get<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, i)] = pointer;
    }
    if (pointers.size() != size_t(3 + work.bias + work.residual))
        return fail(CUDNN_STATUS_BAD_PARAM, "tensors missing or left over");
    void* data[5] = {};
    const Tensor* tensors[] = {&work.x, &work.w, &work.y, &work.b, &work.z};
    for (int i = 0; i < 5; i++) {
        if ((i == 3 && !work.bias) || (i == 4 && !work.residual)) continue;
        if (!pointers.count(tensors[i]->id)) return fail(CUDNN_STATUS_BAD_PARAM, "a tensor's id");
        data[i] = pointers[tensors[i]->id];
    }
    int64_t bytes = engine(work.engine)->workspace;
    auto* workspace = v->get<char*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
    if (bytes && !workspace) return fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "workspace");
    log(work, "engine", bytes, handle->stream);
    if (bytes) memset(workspace, 0xCD, bytes);
    standin::run(work, data);
    return CUDNN_STATUS_SUCCESS;
}

// The classic calls: a Winograd algorithm, one for tensor cores where they were not asked for, then a direct one that is not
// deterministic, and with 128 bytes of workspace one that is.

#define CREATE_AND_DESTROY(Name, Struct)                                                                             \
    EXPORT cudnnStatus_t cudnnCreate##Name##Descriptor(Struct** made) {                                              \
        live.insert(*made = new Struct);                                                                             \
        return CUDNN_STATUS_SUCCESS;                                                                                 \
    }                                                                                                                \
    EXPORT cudnnStatus_t cudnnDestroy##Name##Descriptor(Struct* gone) {                                              \
        if (!live.erase(gone)) return fail(CUDNN_STATUS_BAD_PARAM, "no such descriptor");                            \
        delete gone;                                                                                                 \
        return CUDNN_STATUS_SUCCESS;                                                                                 \
    }
CREATE_AND_DESTROY(Tensor, cudnnTensorStruct)
CREATE_AND_DESTROY(Filter, cudnnFilterStruct)
CREATE_AND_DESTROY(Convolution, cudnnConvolutionStruct)

static cudnnStatus_t describe(Tensor& t, cudnnTensorFormat_t format, cudnnDataType_t type, int64_t n, int64_t c, int64_t h, int64_t w) {
    if (format != CUDNN_TENSOR_NHWC || n < 1 || c < 1 || h < 1 || w < 1) return fail(CUDNN_STATUS_BAD_PARAM, "format or size");
    t = Tensor{0, type == CUDNN_DATA_BFLOAT16, {n, c, h, w}, {h * w * c, 1, w * c, c}};
    return CUDNN_STATUS_SUCCESS;
}
EXPORT cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t d, cudnnTensorFormat_t format, cudnnDataType_t type, int n, int c,
                                                int h, int w) {
    return describe(d->tensor, format, type, n, c, h, w);
}
EXPORT cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t d, cudnnDataType_t type, cudnnTensorFormat_t format, int k, int c,
                                                int h, int w) {
    return describe(d->tensor, format, type, k, c, h, w);
}
EXPORT cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t d, int pad_h, int pad_w, int u, int v, int dilation_h,
                                                     int dilation_w, cudnnConvolutionMode_t mode, cudnnDataType_t compute) {
    if (pad_h != pad_w || u != v || dilation_h != 1 || dilation_w != 1 || mode != CUDNN_CROSS_CORRELATION || compute != CUDNN_DATA_FLOAT)
        return fail(CUDNN_STATUS_NOT_SUPPORTED, "convolution");
    d->pad = pad_h, d->stride = u;
    return CUDNN_STATUS_SUCCESS;
}
EXPORT cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t d, cudnnMathType_t type) {
    d->math = type;
    return CUDNN_STATUS_SUCCESS;
}

static Work classic_work(standin::Kind kind, const Tensor& x, const Tensor& w, const Tensor& y, const cudnnConvolutionStruct* c) {
    Work k{};
    k.kind = kind, k.x = x, k.w = w, k.y = y, k.pad = c->pad, k.stride = c->stride;
    k.tf32 = c->math == CUDNN_DEFAULT_MATH && !x.bf16;
    return k;
}
template <class Perf>
static cudnnStatus_t list(const Work& k, int math, int winograd, int direct, int most, int* count, Perf* perf) {
    if (refused & everything) return fail(CUDNN_STATUS_NOT_SUPPORTED, "refused on demand");
    if (most < 4) return fail(CUDNN_STATUS_BAD_PARAM, "this stand-in has four");
    try {
        check_shapes(k);
    } catch (const Bad& bad) {
        return fail(bad.status, bad.why);
    }
    auto fill = [&](int i, int algorithm, size_t memory, cudnnDeterminism_t determinism, int math) {
        perf[i] = Perf{};
        perf[i].algo = static_cast<decltype(perf[i].algo)>(algorithm), perf[i].memory = memory, perf[i].determinism = determinism;
        perf[i].mathType = static_cast<cudnnMathType_t>(math);
    };
    fill(0, winograd, 0, CUDNN_DETERMINISTIC, math);
    fill(1, math == CUDNN_FMA_MATH ? direct : winograd, 32, CUDNN_DETERMINISTIC, CUDNN_TENSOR_OP_MATH);
    int said = math == CUDNN_FMA_MATH ? CUDNN_DEFAULT_MATH : math;
    fill(2, direct, 0, CUDNN_NON_DETERMINISTIC, said);
    fill(3, direct, 128, CUDNN_DETERMINISTIC, said);
    *count = 4;
    return CUDNN_STATUS_SUCCESS;
}
static cudnnStatus_t classic(cudnnHandle_t handle, Work k, int algorithm, const void* alpha, const void* beta, char* workspace,
                             size_t bytes, const void* x, const void* w, const void* y) {
    if (!live.count(handle) || *static_cast<const float*>(alpha) != 1 || *static_cast<const float*>(beta) != 0)
        return fail(CUDNN_STATUS_BAD_PARAM, "handle, alpha or beta");
    if (bytes && !workspace) return fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "workspace");
    k.engine = algorithm;
    log(k, "algorithm", bytes, handle->stream);
    if (bytes) memset(workspace, 0xCD, bytes);
    void* data[5] = {const_cast<void*>(x), const_cast<void*>(w), const_cast<void*>(y)};
    standin::run(k, data);
    return CUDNN_STATUS_SUCCESS;
}

using TensorDesc = cudnnTensorDescriptor_t;
using FilterDesc = cudnnFilterDescriptor_t;
using ConvDesc = cudnnConvolutionDescriptor_t;

EXPORT cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t, const TensorDesc x, const FilterDesc w, const ConvDesc c,
                                                            const TensorDesc y, const int most, int* count,
                                                            cudnnConvolutionFwdAlgoPerf_t* perf) {
    return list(classic_work(standin::forward, x->tensor, w->tensor, y->tensor, c), c->math, CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD,
                CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, most, count, perf);
}
EXPORT cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t, const FilterDesc w, const TensorDesc dy,
                                                                 const ConvDesc c, const TensorDesc dx, const int most, int* count,
                                                                 cudnnConvolutionBwdDataAlgoPerf_t* perf) {
    return list(classic_work(standin::backward_data, dx->tensor, w->tensor, dy->tensor, c), c->math,
                CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD, CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, most, count, perf);
}
EXPORT cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(cudnnHandle_t, const TensorDesc x, const TensorDesc dy,
                                                                   const ConvDesc c, const FilterDesc dw, const int most, int* count,
                                                                   cudnnConvolutionBwdFilterAlgoPerf_t* perf) {
    return list(classic_work(standin::backward_filter, x->tensor, dw->tensor, dy->tensor, c), c->math,
                CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, most, count, perf);
}
EXPORT cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha, const TensorDesc x, const void* x_data,
                                             const FilterDesc w, const void* w_data, const ConvDesc c,
                                             cudnnConvolutionFwdAlgo_t algorithm, void* workspace, size_t bytes, const void* beta,
                                             const TensorDesc y, void* y_data) {
    return classic(handle, classic_work(standin::forward, x->tensor, w->tensor, y->tensor, c), algorithm, alpha, beta,
                   static_cast<char*>(workspace), bytes, x_data, w_data, y_data);
}
EXPORT cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void* alpha, const FilterDesc w, const void* w_data,
                                                  const TensorDesc dy, const void* dy_data, const ConvDesc c,
                                                  cudnnConvolutionBwdDataAlgo_t algorithm, void* workspace, size_t bytes,
                                                  const void* beta, const TensorDesc dx, void* dx_data) {
    return classic(handle, classic_work(standin::backward_data, dx->tensor, w->tensor, dy->tensor, c), algorithm, alpha, beta,
                   static_cast<char*>(workspace), bytes, dx_data, w_data, dy_data);
}
EXPORT cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void* alpha, const TensorDesc x, const void* x_data,
                                                    const TensorDesc dy, const void* dy_data, const ConvDesc c,
                                                    cudnnConvolutionBwdFilterAlgo_t algorithm, void* workspace, size_t bytes,
                                                    const void* beta, const FilterDesc dw, void* dw_data) {
    return classic(handle, classic_work(standin::backward_filter, x->tensor, dw->tensor, dy->tensor, c), algorithm, alpha, beta,
                   static_cast<char*>(workspace), bytes, x_data, dw_data, dy_data);
}
