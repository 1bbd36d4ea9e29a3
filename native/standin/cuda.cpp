// A stand-in for the CUDA driver, for tests on machines without a card: libcuda.so.1 with the functions that this program calls.
// Device memory is host memory. Work waits on its stream until someone waits for it or asks after it, so a read that comes too
// early sees memory full of 0xCD. It is as strict as the driver, or stricter: an address that was not allocated, a call that a
// capture forbids, a stream that was not joined are errors.
//
// The functions standin_* steer it; without standin_reset it has no device. standin_log tells what the device has done, a line each:
//   copy to-device|to-host|on-device BYTES stream S
//   fill VALUE BYTES stream S
//   launch NAME blocks N threads N shared N stream S arguments HEX
// where streams are numbered from 1 in the order they were made.
#include "cuda_device.h"

// Every entry point begins with this: one call at a time, the test's faults, and what must have been done before.
#define ENTER(call)                                       \
    std::lock_guard<std::recursive_mutex> guard(lock);    \
    if (int code = injected(#call)) return code;          \
    if (!state->initialized) return not_initialized
#define ENTER_CONTEXT(call)                               \
    ENTER(call);                                          \
    if (state->sticky) return state->sticky;              \
    if (!state->contexts.count(current)) return invalid_context
#define NOT_WHILE_RECORDING \
    if (int code = forbidden_while_recording()) return code
#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

const std::map<int, std::pair<const char*, const char*>> errors = {
    {0, {"CUDA_SUCCESS", "no error"}},
    {1, {"CUDA_ERROR_INVALID_VALUE", "invalid argument"}},
    {2, {"CUDA_ERROR_OUT_OF_MEMORY", "out of memory"}},
    {3, {"CUDA_ERROR_NOT_INITIALIZED", "initialization error"}},
    {100, {"CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"}},
    {101, {"CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"}},
    {200, {"CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"}},
    {201, {"CUDA_ERROR_INVALID_CONTEXT", "invalid device context"}},
    {400, {"CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"}},
    {500, {"CUDA_ERROR_NOT_FOUND", "named symbol not found"}},
    {600, {"CUDA_ERROR_NOT_READY", "device not ready"}},
    {700, {"CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"}},
    {719, {"CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"}},
    {803, {"CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "system has unsupported display driver / cuda driver combination"}},
    {900, {"CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"}},
    {901, {"CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture"}},
    {903, {"CUDA_ERROR_STREAM_CAPTURE_UNMATCHED", "capture was not ended in the same stream as it began"}},
    {904, {"CUDA_ERROR_STREAM_CAPTURE_UNJOINED", "capturing stream has unjoined work"}},
    {907, {"CUDA_ERROR_CAPTURED_EVENT", "operation not permitted on an event last recorded in a capturing stream"}},
    {908, {"CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD", "attempt to terminate a thread-local capture sequence from another thread"}},
    {999, {"CUDA_ERROR_UNKNOWN", "unknown error"}},
};

}  // namespace

// Steering

// Forgets everything and begins anew with so many devices of so many bytes each.
EXPORT void standin_reset(int devices, int64_t memory) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    for (auto& [address, bytes] : state->device) free(pointer(address));
    for (auto& [address, bytes] : state->pinned) free(pointer(address));
    delete state;
    state = new State;
    state->devices = devices;
    state->memory = memory;
}

EXPORT void standin_version(int version) { state->version = version; }

// 90 for compute capability 9.0.
EXPORT void standin_capability(int capability) { state->capability = capability; }

// How many bytes of a kernel's first argument the log shows and the runner gets; so many must be there.
EXPORT void standin_argument_bytes(int64_t bytes) { state->argument_bytes = bytes; }

// Runs kernels, where a test has something that can.
EXPORT void standin_runner(void (*runner)(const char* name, const void* arguments, int64_t blocks, int64_t threads)) {
    state->runner = runner;
}

// The n-th call of that function from now on returns `code`; "kernel" is the n-th kernel that runs.
EXPORT void standin_fail(const char* call, int64_t n, int code) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    state->faults.push_back({call, n, code});
}

// What was done since the last call.
EXPORT const char* standin_log() {
    static std::string text;
    std::lock_guard<std::recursive_mutex> guard(lock);
    text.swap(state->log);
    state->log.clear();
    return text.c_str();
}

// What is held: "" when all was given back.
EXPORT const char* standin_held() {
    static std::string text;
    std::lock_guard<std::recursive_mutex> guard(lock);
    text.clear();
    auto say = [](const char* what, size_t count) {
        if (count) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + what;
    };
    say("contexts", state->contexts.size());
    say("pieces of device memory", state->device.size());
    say("pieces of pinned memory", state->pinned.size());
    say("streams", state->streams.size());
    say("events", state->events.size());
    say("modules", state->modules.size());
    say("graphs", state->graphs.size());
    say("executable graphs", state->execs.size());
    return text.c_str();
}

// The driver's functions, in the order of ffi.cuda.CudaDriver

EXPORT int cuInit(unsigned) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    if (int code = injected("cuInit")) return code;
    if (!state->devices) return no_device;
    state->initialized = true;
    return success;
}
EXPORT int cuDriverGetVersion(int* version) {
    *version = state->version;
    return success;
}
EXPORT int cuGetErrorName(int code, const char** name) {
    auto found = errors.find(code);
    *name = found == errors.end() ? nullptr : found->second.first;
    return *name ? success : invalid_value;
}
EXPORT int cuGetErrorString(int code, const char** text) {
    auto found = errors.find(code);
    *text = found == errors.end() ? nullptr : found->second.second;
    return *text ? success : invalid_value;
}

EXPORT int cuDeviceGetCount(int* count) {
    ENTER(cuDeviceGetCount);
    *count = state->devices;
    return success;
}
EXPORT int cuDeviceGet(int* device, int ordinal) {
    ENTER(cuDeviceGet);
    *device = ordinal;
    return ordinal >= 0 && ordinal < state->devices ? success : invalid_device;
}
EXPORT int cuDeviceGetName(char* name, int length, int device) {
    ENTER(cuDeviceGetName);
    snprintf(name, length, "Stand-in %d", device);
    return success;
}
EXPORT int cuDeviceGetPCIBusId(char* id, int length, int device) {
    ENTER(cuDeviceGetPCIBusId);
    snprintf(id, length, "0000:%02x:00.0", device + 1);
    return success;
}
EXPORT int cuDeviceGetAttribute(int* value, int attribute, int) {
    ENTER(cuDeviceGetAttribute);
    switch (attribute) {
        case 1: *value = 1024; break;                     // threads per block
        case 10: *value = 32; break;                      // warp
        case 16: *value = 132; break;                     // multiprocessors
        case 75: *value = state->capability / 10; break;  // compute capability
        case 76: *value = state->capability % 10; break;
        case 97: *value = 227 << 10; break;               // shared memory per block, opted in
        default: return invalid_value;
    }
    return success;
}
EXPORT int cuDeviceTotalMem_v2(size_t* bytes, int) {
    ENTER(cuDeviceTotalMem_v2);
    *bytes = state->memory;
    return success;
}

EXPORT int cuDevicePrimaryCtxRetain(uint64_t* context, int device) {
    ENTER(cuDevicePrimaryCtxRetain);
    *context = 0xc0de0000u + device;
    ++state->contexts[*context];
    return success;
}
EXPORT int cuDevicePrimaryCtxRelease_v2(int device) {
    ENTER(cuDevicePrimaryCtxRelease_v2);
    auto found = state->contexts.find(0xc0de0000u + device);
    if (found == state->contexts.end()) return invalid_context;
    if (--found->second == 0) state->contexts.erase(found);
    return success;
}
EXPORT int cuCtxSetCurrent(uint64_t context) {
    ENTER(cuCtxSetCurrent);
    if (context && !state->contexts.count(context)) return invalid_context;
    current = context;
    return success;
}
EXPORT int cuCtxSynchronize() {
    ENTER_CONTEXT(cuCtxSynchronize);
    NOT_WHILE_RECORDING;
    run_all();
    return state->sticky;
}

EXPORT int cuMemGetInfo_v2(size_t* unused, size_t* total) {
    ENTER_CONTEXT(cuMemGetInfo_v2);
    *unused = state->memory - state->used;
    *total = state->memory;
    return success;
}
EXPORT int cuMemAlloc_v2(uint64_t* address, size_t bytes) {
    ENTER_CONTEXT(cuMemAlloc_v2);
    NOT_WHILE_RECORDING;
    if (!bytes) return invalid_value;
    if (state->used + (int64_t)bytes > state->memory) return out_of_memory;
    void* memory = aligned_alloc(512, (bytes + 511) / 512 * 512);
    if (!memory) return out_of_memory;
    memset(memory, 0xcd, bytes);
    *address = reinterpret_cast<uint64_t>(memory);
    state->device[*address] = bytes;
    state->used += bytes;
    return success;
}
EXPORT int cuMemFree_v2(uint64_t address) {
    ENTER_CONTEXT(cuMemFree_v2);
    if (!address) return success;
    NOT_WHILE_RECORDING;
    auto found = state->device.find(address);
    if (found == state->device.end()) return invalid_value;
    run_all();
    state->used -= found->second;
    state->device.erase(found);
    free(pointer(address));
    return success;
}
EXPORT int cuMemHostAlloc(uint64_t* address, size_t bytes, unsigned) {
    ENTER_CONTEXT(cuMemHostAlloc);
    NOT_WHILE_RECORDING;
    if (!bytes) return invalid_value;
    *address = reinterpret_cast<uint64_t>(aligned_alloc(4096, (bytes + 4095) / 4096 * 4096));
    if (!*address) return out_of_memory;
    state->pinned[*address] = bytes;
    return success;
}
EXPORT int cuMemFreeHost(uint64_t address) {
    ENTER_CONTEXT(cuMemFreeHost);
    NOT_WHILE_RECORDING;
    if (!state->pinned.count(address)) return invalid_value;
    run_all();
    state->pinned.erase(address);
    free(pointer(address));
    return success;
}

// From memory that is not pinned the driver copies at once; pinned memory is read when the stream gets there.
EXPORT int cuMemcpyHtoDAsync_v2(uint64_t to, uint64_t host, size_t bytes, uint64_t stream) {
    ENTER_CONTEXT(cuMemcpyHtoDAsync_v2);
    if (!inside(state->device, to, bytes)) return invalid_value;
    int number = number_of(stream);
    auto log = [=] { log_line("copy to-device %zu stream %d\n", bytes, number); };
    if (inside(state->pinned, host, bytes)) {
        return submit(stream, [=] { log(), memcpy(pointer(to), pointer(host), bytes); });
    }
    return submit(stream, [=, values = copy_of(host, bytes)] { log(), memcpy(pointer(to), values.data(), bytes); });
}
EXPORT int cuMemcpyDtoHAsync_v2(uint64_t host, uint64_t from, size_t bytes, uint64_t stream) {
    ENTER_CONTEXT(cuMemcpyDtoHAsync_v2);
    if (!inside(state->device, from, bytes)) return invalid_value;
    int number = number_of(stream);
    int code = submit(stream, [=] {
        log_line("copy to-host %zu stream %d\n", bytes, number);
        memcpy(pointer(host), pointer(from), bytes);
    });
    if (code) return code;
    Stream& queued = state->streams[stream];
    if (!queued.capture && !inside(state->pinned, host, bytes)) run_until(stream, queued.issued);
    return state->sticky;
}
EXPORT int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, uint64_t stream) {
    ENTER_CONTEXT(cuMemcpyDtoDAsync_v2);
    if (!inside(state->device, to, bytes) || !inside(state->device, from, bytes)) return invalid_value;
    int number = number_of(stream);
    return submit(stream, [=] {
        log_line("copy on-device %zu stream %d\n", bytes, number);
        memmove(pointer(to), pointer(from), bytes);
    });
}
EXPORT int cuMemsetD8Async(uint64_t address, unsigned char value, size_t bytes, uint64_t stream) {
    ENTER_CONTEXT(cuMemsetD8Async);
    if (!inside(state->device, address, bytes)) return invalid_value;
    int number = number_of(stream);
    return submit(stream, [=] {
        log_line("fill %d %zu stream %d\n", value, bytes, number);
        memset(pointer(address), value, bytes);
    });
}

EXPORT int cuStreamCreate(uint64_t* stream, unsigned flags) {
    ENTER_CONTEXT(cuStreamCreate);
    if (flags > 1) return invalid_value;
    *stream = new_handle();
    state->streams[*stream].number = ++state->streams_made;
    return success;
}
EXPORT int cuStreamDestroy_v2(uint64_t stream) {
    ENTER_CONTEXT(cuStreamDestroy_v2);
    auto found = state->streams.find(stream);
    if (found == state->streams.end()) return invalid_handle;
    run_until(stream, found->second.issued);
    state->streams.erase(found);
    return success;
}
EXPORT int cuStreamSynchronize(uint64_t stream) {
    ENTER_CONTEXT(cuStreamSynchronize);
    auto found = state->streams.find(stream);
    if (found == state->streams.end()) return invalid_handle;
    if (found->second.capture) {
        found->second.capture->invalid = true;
        return capture_unsupported;
    }
    NOT_WHILE_RECORDING;
    run_until(stream, found->second.issued);
    return state->sticky;
}
EXPORT int cuStreamWaitEvent(uint64_t stream, uint64_t event, unsigned) {
    ENTER_CONTEXT(cuStreamWaitEvent);
    auto found = state->events.find(event);
    if (found == state->events.end() || !state->streams.count(stream)) return invalid_handle;
    Event& waited = found->second;
    Stream& waiting = state->streams[stream];
    if (waited.capture) {  // one stream joins the recording, or the other returns to it
        if (waiting.capture && waiting.capture != waited.capture) return capture_unsupported;
        Stream& source = state->streams[waited.stream];
        source.joined = std::max(source.joined, waited.ticket);
        if (waiting.capture) return success;
        begin_capture(waiting, waited.capture, source.capturer);
        waited.capture->streams.push_back(stream);
        return success;
    }
    if (waiting.capture) return capture_unsupported;  // on work that is not recorded
    if (!waited.stream) return success;
    uint64_t source = waited.stream;
    int64_t ticket = waited.ticket;
    return submit(stream, [=] { run_until(source, ticket); });
}

EXPORT int cuEventCreate(uint64_t* event, unsigned flags) {
    ENTER_CONTEXT(cuEventCreate);
    *event = new_handle();
    state->events[*event].timing = !(flags & 2);
    return success;
}
EXPORT int cuEventDestroy_v2(uint64_t event) {
    ENTER_CONTEXT(cuEventDestroy_v2);
    return state->events.erase(event) ? success : invalid_handle;
}
EXPORT int cuEventRecord(uint64_t event, uint64_t stream) {
    ENTER_CONTEXT(cuEventRecord);
    auto found = state->events.find(event);
    if (found == state->events.end() || !state->streams.count(stream)) return invalid_handle;
    Event& recorded = found->second;
    Stream& queued = state->streams[stream];
    recorded.stream = stream;
    recorded.capture = queued.capture;
    if (queued.capture) {
        recorded.ticket = queued.recorded;
        return success;
    }
    auto milliseconds = recorded.milliseconds = std::make_shared<double>(0);
    int code = submit(stream, [=] { *milliseconds = state->clock; });
    recorded.ticket = queued.issued;
    return code;
}
EXPORT int cuEventQuery(uint64_t event) {
    ENTER_CONTEXT(cuEventQuery);
    auto found = state->events.find(event);
    if (found == state->events.end()) return invalid_handle;
    if (found->second.capture) return captured_event;
    NOT_WHILE_RECORDING;
    auto stream = state->streams.find(found->second.stream);
    if (stream == state->streams.end() || stream->second.done >= found->second.ticket) return success;
    run_one(stream->second);  // meanwhile the device works
    return state->sticky ? state->sticky : not_ready;
}
EXPORT int cuEventSynchronize(uint64_t event) {
    ENTER_CONTEXT(cuEventSynchronize);
    auto found = state->events.find(event);
    if (found == state->events.end()) return invalid_handle;
    if (found->second.capture) return captured_event;
    NOT_WHILE_RECORDING;
    run_until(found->second.stream, found->second.ticket);
    return state->sticky;
}
EXPORT int cuEventElapsedTime_v2(float* milliseconds, uint64_t start, uint64_t end) {
    ENTER_CONTEXT(cuEventElapsedTime);
    auto first = state->events.find(start), last = state->events.find(end);
    if (first == state->events.end() || last == state->events.end()) return invalid_handle;
    for (auto event : {first, last}) {
        if (!event->second.timing || !event->second.stream) return invalid_handle;
        auto stream = state->streams.find(event->second.stream);
        if (stream != state->streams.end() && stream->second.done < event->second.ticket) return not_ready;
    }
    *milliseconds = (float)(*last->second.milliseconds - *first->second.milliseconds);
    return success;
}
EXPORT int cuEventElapsedTime(float* milliseconds, uint64_t start, uint64_t end) {
    return cuEventElapsedTime_v2(milliseconds, start, end);
}

// An image is a fatbin, cubin or PTX, in which every name is found, or for tests "standin: NAME NAME".
EXPORT int cuModuleLoadData(uint64_t* module, const void* image) {
    ENTER_CONTEXT(cuModuleLoadData);
    static const char prefix[] = "standin:";
    auto text = static_cast<const char*>(image);
    Module loaded;
    if (!strncmp(text, prefix, sizeof prefix - 1)) {
        std::string names = text + sizeof prefix - 1;
        for (char* name = strtok(names.data(), " "); name; name = strtok(nullptr, " ")) loaded.names.insert(name);
    } else if (memcmp(text, "\x50\xed\x55\xba", 4) && memcmp(text, "\x7f" "ELF", 4) && strncmp(text, "//", 2)) {
        return invalid_image;
    }
    *module = new_handle();
    state->modules[*module] = std::move(loaded);
    return success;
}
EXPORT int cuModuleLoadDataEx(uint64_t* module, const void* image, unsigned, void*, void*) { return cuModuleLoadData(module, image); }
EXPORT int cuModuleUnload(uint64_t module) {
    ENTER_CONTEXT(cuModuleUnload);
    auto found = state->modules.find(module);
    if (found == state->modules.end()) return invalid_handle;
    run_all();
    for (auto& [name, function] : found->second.functions) state->functions.erase(reinterpret_cast<uint64_t>(function.get()));
    state->modules.erase(found);
    return success;
}
EXPORT int cuModuleGetFunction(uint64_t* function, uint64_t module, const char* name) {
    ENTER_CONTEXT(cuModuleGetFunction);
    auto found = state->modules.find(module);
    if (found == state->modules.end()) return invalid_handle;
    if (!found->second.names.empty() && !found->second.names.count(name)) return not_found;
    auto& made = found->second.functions[name];
    if (!made) made.reset(new Function{name});
    *function = reinterpret_cast<uint64_t>(made.get());
    state->functions[*function] = made.get();
    return success;
}
EXPORT int cuFuncGetAttribute(int* value, int attribute, uint64_t function) {
    ENTER_CONTEXT(cuFuncGetAttribute);
    auto found = state->functions.find(function);
    if (found == state->functions.end()) return invalid_handle;
    switch (attribute) {
        case 0: *value = 1024; break;  // threads per block
        case 3: *value = 0; break;     // local memory
        case 4: *value = 32; break;    // registers
        case 8: *value = found->second->dynamic_shared; break;
        default: return invalid_value;
    }
    return success;
}
EXPORT int cuFuncSetAttribute(uint64_t function, int attribute, int value) {
    ENTER_CONTEXT(cuFuncSetAttribute);
    auto found = state->functions.find(function);
    if (found == state->functions.end()) return invalid_handle;
    if (attribute != 8 || value < 0 || value > 227 << 10) return invalid_value;
    found->second->dynamic_shared = value;
    return success;
}
EXPORT int cuLaunchKernel(uint64_t function, unsigned blocks, unsigned blocks_y, unsigned blocks_z, unsigned threads,
                          unsigned threads_y, unsigned threads_z, unsigned shared, uint64_t stream, void** parameters, void** extra) {
    ENTER_CONTEXT(cuLaunchKernel);
    auto found = state->functions.find(function);
    if (found == state->functions.end()) return invalid_handle;
    if (!blocks || blocks > 0x7fffffffu || blocks_y != 1 || blocks_z != 1 || !threads || threads > 1024 || threads_y != 1 ||
        threads_z != 1 || (int64_t)shared > found->second->dynamic_shared || extra) {
        return invalid_value;
    }
    int number = number_of(stream);
    std::string name = found->second->name;
    auto arguments = copy_of(reinterpret_cast<uint64_t>(parameters[0]), state->argument_bytes);
    return submit(stream, [=] {
        if (int code = injected("kernel")) {
            state->sticky = code;
            return;
        }
        log_line("launch %.160s blocks %u threads %u shared %u stream %d arguments ", name.c_str(), blocks, threads, shared, number);
        for (unsigned char byte : arguments) log_line("%02x", byte);
        state->log += "\n";
        if (state->runner) state->runner(name.c_str(), arguments.data(), blocks, threads);
    });
}

EXPORT int cuStreamBeginCapture_v2(uint64_t stream, int mode) {
    ENTER_CONTEXT(cuStreamBeginCapture_v2);
    auto found = state->streams.find(stream);
    if (found == state->streams.end()) return invalid_handle;  // the legacy default stream cannot be recorded either
    if (mode != 1 || found->second.capture) return invalid_value;
    begin_capture(found->second, new Graph, &this_thread);
    found->second.capture->streams.push_back(stream);
    return success;
}
EXPORT int cuStreamEndCapture(uint64_t stream, uint64_t* graph) {
    ENTER_CONTEXT(cuStreamEndCapture);
    auto found = state->streams.find(stream);
    if (found == state->streams.end()) return invalid_handle;
    if (!found->second.capture || found->second.capture->streams[0] != stream) return capture_unmatched;
    if (found->second.capturer != &this_thread) return capture_wrong_thread;
    std::unique_ptr<Graph> recorded(found->second.capture);
    bool unjoined = false;
    for (uint64_t member : recorded->streams) {
        Stream& taking_part = state->streams[member];
        unjoined |= member != stream && taking_part.recorded > taking_part.joined;
        taking_part.capture = nullptr;
    }
    for (auto& [handle, event] : state->events) {
        if (event.capture == recorded.get()) event.capture = nullptr, event.stream = 0;
    }
    *graph = 0;
    if (recorded->invalid) return capture_invalidated;
    if (unjoined) return capture_unjoined;
    *graph = new_handle();
    state->graphs[*graph] = std::move(recorded);
    return success;
}
EXPORT int cuGraphInstantiateWithFlags(uint64_t* exec, uint64_t graph, unsigned long long) {
    ENTER_CONTEXT(cuGraphInstantiateWithFlags);
    auto found = state->graphs.find(graph);
    if (found == state->graphs.end()) return invalid_handle;
    *exec = new_handle();
    state->execs[*exec] = found->second->nodes;
    return success;
}
EXPORT int cuGraphDestroy(uint64_t graph) {
    ENTER_CONTEXT(cuGraphDestroy);
    return state->graphs.erase(graph) ? success : invalid_handle;
}
EXPORT int cuGraphExecDestroy(uint64_t exec) {
    ENTER_CONTEXT(cuGraphExecDestroy);
    return state->execs.erase(exec) ? success : invalid_handle;
}
EXPORT int cuGraphLaunch(uint64_t exec, uint64_t stream) {
    ENTER_CONTEXT(cuGraphLaunch);
    auto found = state->execs.find(exec);
    if (found == state->execs.end()) return invalid_handle;
    return submit(stream, [nodes = found->second] {
        for (auto& node : nodes) {
            if (!state->sticky) node();
        }
    });
}
