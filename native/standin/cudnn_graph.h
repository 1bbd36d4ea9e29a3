// What the stand-in for cuDNN knows of backend descriptors: which attributes each has, what makes one whole, and how to read an
// operation graph. As strict as cuDNN about types, counts and order, or stricter.
#pragma once
#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "convolution.h"
#include "cudnn_names.h"

using standin::Tensor;
using standin::Work;

namespace {

enum Refused { fused_beyond_bias = 1, fused = 2, graphs = 4, first_engine = 8, everything = 16 };

struct Engine {
    int64_t index, workspace;
    std::vector<int> notes;
};
const std::vector<Engine> engines = {{10, 4096, {CUDNN_NUMERICAL_NOTE_TENSOR_CORE}},
                                     {11, 0, {CUDNN_NUMERICAL_NOTE_WINOGRAD}},
                                     {12, 64, {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}},
                                     {13, 256, {}},
                                     {14, 0, {}}};
const int64_t fallback = 14;

int refused = 0;
size_t version = 92400;
std::string message, journal;
std::set<void*> live;

cudnnStatus_t fail(cudnnStatus_t status, const std::string& why) {
    message = why;
    return status;
}

const Engine* engine(int64_t index) {
    for (const Engine& e : engines)
        if (e.index == index) return &e;
    return nullptr;
}

// Bytes of one value, 0 for a type that no attribute here has.
int64_t width(int type) {
    switch (type) {
        case CUDNN_TYPE_HANDLE: case CUDNN_TYPE_INT64: case CUDNN_TYPE_VOID_PTR: case CUDNN_TYPE_BACKEND_DESCRIPTOR: return 8;
        case CUDNN_TYPE_DATA_TYPE: case CUDNN_TYPE_FLOAT: case CUDNN_TYPE_CONVOLUTION_MODE: case CUDNN_TYPE_HEUR_MODE:
        case CUDNN_TYPE_NAN_PROPOGATION: case CUDNN_TYPE_POINTWISE_MODE: return 4;
        case CUDNN_TYPE_BOOLEAN: case CUDNN_TYPE_CHAR: return 1;
        default: return 0;
    }
}

struct Rule {
    int attribute, type, most;
    bool required = true;
};
#define DESC CUDNN_TYPE_BACKEND_DESCRIPTOR
#define OPERATION(kind, a, b, c)                                                                                            \
    {{CUDNN_ATTR_OPERATION_CONVOLUTION_##kind##_##a, DESC, 1}, {CUDNN_ATTR_OPERATION_CONVOLUTION_##kind##_##b, DESC, 1},   \
     {CUDNN_ATTR_OPERATION_CONVOLUTION_##kind##_##c, DESC, 1}, {CUDNN_ATTR_OPERATION_CONVOLUTION_##kind##_CONV_DESC, DESC, 1}, \
     {CUDNN_ATTR_OPERATION_CONVOLUTION_##kind##_ALPHA, CUDNN_TYPE_FLOAT, 1},                                               \
     {CUDNN_ATTR_OPERATION_CONVOLUTION_##kind##_BETA, CUDNN_TYPE_FLOAT, 1}}

// What may be set on a descriptor; what the last column calls required must be, before it is finalised.
const std::map<int, std::vector<Rule>> rules = {
    {CUDNN_BACKEND_TENSOR_DESCRIPTOR, {{CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1},
                                       {CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1},
                                       {CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4},
                                       {CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4},
                                       {CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1},
                                       {CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, false}}},
    {CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, {{CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1},
                                            {CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1},
                                            {CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1},
                                            {CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2},
                                            {CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2},
                                            {CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2},
                                            {CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2}}},
    {CUDNN_BACKEND_POINTWISE_DESCRIPTOR, {{CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1},
                                          {CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1},
                                          {CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, CUDNN_TYPE_NAN_PROPOGATION, 1, false}}},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, OPERATION(FORWARD, X, W, Y)},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR, OPERATION(BWD_DATA, DX, W, DY)},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR, OPERATION(BWD_FILTER, X, DW, DY)},
    {CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, {{CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, DESC, 1},
                                                    {CUDNN_ATTR_OPERATION_POINTWISE_XDESC, DESC, 1},
                                                    {CUDNN_ATTR_OPERATION_POINTWISE_BDESC, DESC, 1, false},
                                                    {CUDNN_ATTR_OPERATION_POINTWISE_YDESC, DESC, 1}}},
    {CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, {{CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1},
                                               {CUDNN_ATTR_OPERATIONGRAPH_OPS, DESC, 8}}},
    {CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, {{CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, DESC, 1},
                                           {CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1}}},
    {CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, {}},
    {CUDNN_BACKEND_ENGINE_DESCRIPTOR, {}},
    {CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, {{CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1},
                                               {CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, DESC, 1, false},
                                               {CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, 1 << 20, false}}},
    {CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, {{CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 8},
                                             {CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 8},
                                             {CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1}}},
};

struct Descriptor {
    int type;
    bool finished = false;
    std::map<int, std::string> values;
    Work work{};                    // of a graph and whatever is made of one
    std::vector<int64_t> engines;   // of heuristics
    void* config = nullptr;         // of a plan that was not read from JSON

    bool has(int attribute) const { return values.count(attribute); }
    template <class T>
    T get(int attribute, size_t i = 0) const {
        T value{};
        auto found = values.find(attribute);
        if (found != values.end()) memcpy(&value, found->second.data() + i * sizeof(T), sizeof(T));
        return value;
    }
    size_t count(int attribute) const { return has(attribute) ? values.at(attribute).size() / 8 : 0; }
    Descriptor* other(int attribute, size_t i = 0) const { return get<Descriptor*>(attribute, i); }
};

// One "not as it should be" ends a finalisation.
struct Bad {
    cudnnStatus_t status;
    std::string why;
};
void want(bool good, const char* why, cudnnStatus_t status = CUDNN_STATUS_BAD_PARAM) {
    if (!good) throw Bad{status, why};
}

Tensor tensor_of(const Descriptor& d) {
    Tensor t{};
    t.id = d.get<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
    int type = d.get<int>(CUDNN_ATTR_TENSOR_DATA_TYPE);
    want(type == CUDNN_DATA_FLOAT || type == CUDNN_DATA_BFLOAT16, "data type", CUDNN_STATUS_NOT_SUPPORTED);
    t.bf16 = type == CUDNN_DATA_BFLOAT16;
    want(d.count(CUDNN_ATTR_TENSOR_DIMENSIONS) == 4 && d.count(CUDNN_ATTR_TENSOR_STRIDES) == 4, "four dimensions");
    int64_t last = 0, size = 1;
    for (int i = 0; i < 4; i++) {
        t.dims[i] = d.get<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS, i);
        t.strides[i] = d.get<int64_t>(CUDNN_ATTR_TENSOR_STRIDES, i);
        want(t.dims[i] > 0 && t.strides[i] > 0, "a dimension or stride is not positive");
        last += (t.dims[i] - 1) * t.strides[i];
        size *= t.dims[i];
    }
    want(last == size - 1, "the strides leave gaps or overlap");
    want(d.get<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT) % (t.bf16 ? 2 : 4) == 0, "alignment");
    return t;
}
bool same_shape(const Tensor& a, const Tensor& b) { return std::equal(a.dims, a.dims + 4, b.dims); }
bool is_virtual(const Descriptor* d) { return d->get<char>(CUDNN_ATTR_TENSOR_IS_VIRTUAL); }

void check_shapes(const Work& k) {
    const int64_t *x = k.x.dims, *w = k.w.dims, *y = k.y.dims;
    want(x[0] == y[0] && x[1] == w[1] && w[0] == y[1], "channels or images");
    for (int i = 2; i < 4; i++) want(y[i] == (x[i] + 2 * k.pad - w[i]) / k.stride + 1, "size of the output");
}

// Reads the graph: a convolution, then for a forward one residual, bias and ReLU by way of virtual tensors.
Work work_of(const Descriptor& graph) {
    Work k{};
    const Descriptor* op = graph.other(CUDNN_ATTR_OPERATIONGRAPH_OPS);
    int x, w, y, conv, alpha, beta;
    switch (op->type) {
#define ATTRIBUTES(kind, a, b, c)                                                                                  \
    x = CUDNN_ATTR_OPERATION_CONVOLUTION_##kind##_##a, w = CUDNN_ATTR_OPERATION_CONVOLUTION_##kind##_##b,          \
    y = CUDNN_ATTR_OPERATION_CONVOLUTION_##kind##_##c, conv = CUDNN_ATTR_OPERATION_CONVOLUTION_##kind##_CONV_DESC, \
    alpha = CUDNN_ATTR_OPERATION_CONVOLUTION_##kind##_ALPHA, beta = CUDNN_ATTR_OPERATION_CONVOLUTION_##kind##_BETA
        case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
            k.kind = standin::forward, ATTRIBUTES(FORWARD, X, W, Y);
            break;
        case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
            k.kind = standin::backward_data, ATTRIBUTES(BWD_DATA, DX, W, DY);
            break;
        case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
            k.kind = standin::backward_filter, ATTRIBUTES(BWD_FILTER, X, DW, DY);
            break;
        default: throw Bad{CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "the first operation is no convolution"};
    }
    k.x = tensor_of(*op->other(x)), k.w = tensor_of(*op->other(w));
    const Descriptor* result = op->other(y);
    k.y = tensor_of(*result);
    want(op->get<float>(alpha) == 1 && op->get<float>(beta) == 0, "alpha and beta", CUDNN_STATUS_NOT_SUPPORTED);
    const Descriptor* c = op->other(conv);
    k.stride = c->get<int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES), k.pad = c->get<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
    check_shapes(k);
    bool bf16 = k.x.bf16;
    size_t count = graph.count(CUDNN_ATTR_OPERATIONGRAPH_OPS);
    for (size_t i = 1; i < count; i++) {
        const Descriptor* node = graph.other(CUDNN_ATTR_OPERATIONGRAPH_OPS, i);
        want(k.kind == standin::forward && node->type == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, "pattern",
             CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN);
        want(node->other(CUDNN_ATTR_OPERATION_POINTWISE_XDESC) == result && is_virtual(result) && !tensor_of(*result).bf16,
             "a node does not take what the one before it made");
        result = node->other(CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
        want(same_shape(tensor_of(*result), k.y), "a node changes the shape");
        const Descriptor* what = node->other(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
        if (what->get<int>(CUDNN_ATTR_POINTWISE_MODE) == CUDNN_POINTWISE_RELU_FWD) {
            want(what->get<int>(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION) == CUDNN_PROPAGATE_NAN, "ReLU would lose NaN");
            k.relu = 1;
            continue;
        }
        want(what->get<int>(CUDNN_ATTR_POINTWISE_MODE) == CUDNN_POINTWISE_ADD, "mode", CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN);
        Tensor added = tensor_of(*node->other(CUDNN_ATTR_OPERATION_POINTWISE_BDESC));
        want(added.bf16 == bf16 && !k.relu && !k.bias, "residual, bias, ReLU is the order", CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN);
        if (same_shape(added, k.y)) k.residual = 1, k.z = added;
        else {
            want(added.dims[0] == 1 && added.dims[1] == k.y.dims[1] && added.dims[2] == 1 && added.dims[3] == 1, "shape of the bias");
            k.bias = 1, k.b = added;
        }
    }
    want(!is_virtual(result), "nothing is written");
    k.y = tensor_of(*result);
    want(k.w.bf16 == bf16 && k.y.bf16 == bf16, "types are mixed", CUDNN_STATUS_NOT_SUPPORTED);
    return k;
}

bool known_graph(const Work& k) {
    bool beyond = k.residual || k.relu;
    if (k.bias == 0) return !beyond;
    return !(refused & fused) && !(beyond && refused & fused_beyond_bias);
}

void finish(Descriptor& d) {
    for (const Rule& rule : rules.at(d.type)) {
        want(!rule.required || d.has(rule.attribute), "an attribute is missing");
        if (rule.type != DESC || !d.has(rule.attribute)) continue;
        for (size_t i = 0; i < d.count(rule.attribute); i++) {
            Descriptor* part = d.other(rule.attribute, i);
            want(live.count(part) && part->finished, "a part is not finalised", CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED);
        }
    }
    switch (d.type) {
        case CUDNN_BACKEND_TENSOR_DESCRIPTOR: tensor_of(d); break;
        case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR:
            for (int a : {CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS,
                          CUDNN_ATTR_CONVOLUTION_POST_PADDINGS}) {
                want(int64_t(d.count(a)) == d.get<int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS), "not as many as spatial dimensions");
                want(d.get<int64_t>(a) == d.get<int64_t>(a, 1), "not square", CUDNN_STATUS_NOT_SUPPORTED);
            }
            want(d.get<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS) == d.get<int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS) &&
                     d.get<int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS) == 1 &&
                     d.get<int>(CUDNN_ATTR_CONVOLUTION_CONV_MODE) == CUDNN_CROSS_CORRELATION &&
                     d.get<int>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE) == CUDNN_DATA_FLOAT,
                 "convolution", CUDNN_STATUS_NOT_SUPPORTED);
            break;
        case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
            want(live.count(d.get<void*>(CUDNN_ATTR_OPERATIONGRAPH_HANDLE)), "handle");
            want(!(refused & graphs), "refused on demand", CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN);
            d.work = work_of(d);
            break;
        case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR: {
            d.work = d.other(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH)->work;
            int mode = d.get<int>(CUDNN_ATTR_ENGINEHEUR_MODE);
            want(mode != CUDNN_HEUR_MODE_B, "mode B", CUDNN_STATUS_NOT_SUPPORTED);
            for (const Engine& e : engines)
                if ((e.index == fallback) == (mode == CUDNN_HEUR_MODE_FALLBACK) && known_graph(d.work)) d.engines.push_back(e.index);
            break;
        }
        case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR: {
            want(live.count(d.get<void*>(CUDNN_ATTR_EXECUTION_PLAN_HANDLE)), "handle");
            want(d.has(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG) != d.has(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION),
                 "an engine config or JSON");
            if (d.has(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)) {
                d.config = d.other(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
                d.work = static_cast<Descriptor*>(d.config)->work;
                want(d.work.engine != engines[0].index || !(refused & first_engine), "refused on demand", CUDNN_STATUS_NOT_SUPPORTED);
                d.work.tf32 = d.work.engine == engines[0].index && !d.work.x.bf16;
            } else {
                const std::string& json = d.values[CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION];
                int64_t* numbers = reinterpret_cast<int64_t*>(&d.work);
                want(json.rfind("{\"standin\":[", 0) == 0 && json.back() == 0, "not a plan of this version");
                const char* at = json.data() + strlen("{\"standin\":[");
                for (size_t i = 0; i < sizeof(Work) / 8; i++, at++) {
                    char* end;
                    numbers[i] = strtoll(at, &end, 10);
                    want(end != at && (*end == ',' || *end == ']'), "not a plan of this version");
                    at = end;
                }
                want(engine(d.work.engine), "unknown engine");
            }
            break;
        }
        case CUDNN_BACKEND_ENGINECFG_DESCRIPTOR: case CUDNN_BACKEND_ENGINE_DESCRIPTOR: want(false, "comes from heuristics alone"); break;
        default: break;
    }
    d.finished = true;
}

}  // namespace
