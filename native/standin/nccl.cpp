// A stand-in for NCCL, for tests: libnccl.so.2 for ranks that are threads of one process and buffers in host memory. A collective
// is done when the last rank has called it, in rank order, and a communicator is ready when the last has joined it; streams
// are not looked at.
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

enum Result { success = 0, invalid_argument = 4, invalid_usage = 5, remote_error = 6, in_progress = 7 };
enum Type { uint8 = 1, float32 = 7, bfloat16 = 9 };

struct Part {
    const void* send;
    void* receive;
};

struct Operation {
    size_t arrived = 0;
    std::vector<Part> parts;
    bool done = false;
};

struct Group {
    size_t size;
    size_t joined = 0;
    std::mutex lock;
    std::condition_variable changed;
    std::map<int64_t, Operation> operations;
};

struct Comm {
    std::shared_ptr<Group> group;
    size_t rank;
    int64_t calls = 0;
    int error = success;
    bool finalized = false;
};

std::mutex lock;
std::map<std::string, std::shared_ptr<Group>> groups;  // by unique id
int64_t ids = 0;

float to_float(uint16_t bits) {
    uint32_t wide = uint32_t(bits) << 16;
    float value;
    memcpy(&value, &wide, 4);
    return value;
}
uint16_t to_bfloat(float value) {
    uint32_t wide;
    memcpy(&wide, &value, 4);
    return uint16_t((wide + 0x7fff + (wide >> 16 & 1)) >> 16);
}

void put(void* values, size_t i, int type, float value) {
    if (type == float32) static_cast<float*>(values)[i] = value;
    else static_cast<uint16_t*>(values)[i] = to_bfloat(value);
}

// The i-th value of the sum over the ranks, added in rank order.
float sum(const std::vector<Part>& parts, size_t i, int type) {
    float sum = 0;
    for (auto& part : parts) {
        sum += type == float32 ? static_cast<const float*>(part.send)[i] : to_float(static_cast<const uint16_t*>(part.send)[i]);
    }
    return sum;
}

// Leaves this rank's part and waits; the last rank does the work.
int collective(Comm* comm, Part part, std::function<void(std::vector<Part>&)> work) {
    auto& group = *comm->group;
    std::unique_lock<std::mutex> guard(group.lock);
    if (comm->finalized || group.joined < group.size) return invalid_usage;  // as NCCL: one call after the other
    Operation& operation = group.operations[comm->calls++];
    operation.parts.resize(group.size);
    operation.parts[comm->rank] = part;
    if (++operation.arrived == group.size) {
        work(operation.parts);
        operation.done = true;
        group.changed.notify_all();
    }
    group.changed.wait(guard, [&] { return operation.done; });
    return success;
}

bool sums(Comm* comm, int type, int operation) { return comm && operation == 0 && (type == float32 || type == bfloat16); }

}  // namespace

struct UniqueId {
    char bytes[128];
};

// What ncclCommGetAsyncError says from now on.
EXPORT void standin_async_error(Comm* comm, int code) { comm->error = code; }

EXPORT int ncclGetVersion(int* version) {
    *version = 23007;
    return success;
}
EXPORT int ncclGetUniqueId(UniqueId* id) {
    std::lock_guard<std::mutex> guard(lock);
    memset(id->bytes, 0x5a, sizeof id->bytes);
    memcpy(id->bytes + 120, &++ids, 8);
    return success;
}
struct Config {
    size_t size;
    unsigned magic;
    unsigned version;
    int blocking;
};

EXPORT int ncclCommInitRankConfig(Comm** comm, int ranks, UniqueId id, int rank, const Config* config) {
    if (rank < 0 || rank >= ranks || id.bytes[0] != 0x5a) return invalid_argument;
    if (config->size != sizeof(Config) || config->magic != 0xcafebeef) return invalid_argument;
    if (config->version != 21400 || config->blocking) return invalid_argument;
    std::lock_guard<std::mutex> guard(lock);
    auto& group = groups[std::string(id.bytes, sizeof id.bytes)];
    if (!group) {
        group = std::make_shared<Group>();
        group->size = ranks;
    }
    std::lock_guard<std::mutex> inner(group->lock);
    if (group->size != (size_t)ranks || group->joined == group->size) return invalid_usage;
    ++group->joined;
    *comm = new Comm{group, (size_t)rank};
    return in_progress;
}
EXPORT int ncclAllReduce(const void* send, void* receive, size_t count, int type, int operation, Comm* comm, void*) {
    if (!sums(comm, type, operation)) return invalid_argument;
    return collective(comm, {send, receive}, [=](std::vector<Part>& parts) {
        for (size_t i = 0; i < count; ++i) {
            float value = sum(parts, i, type);
            for (auto& part : parts) put(part.receive, i, type, value);
        }
    });
}
EXPORT int ncclReduceScatter(const void* send, void* receive, size_t count, int type, int operation, Comm* comm, void*) {
    if (!sums(comm, type, operation)) return invalid_argument;
    return collective(comm, {send, receive}, [=](std::vector<Part>& parts) {
        std::vector<float> values(parts.size() * count);  // first all: a rank may receive where it sends
        for (size_t i = 0; i < values.size(); ++i) values[i] = sum(parts, i, type);
        for (size_t i = 0; i < values.size(); ++i) put(parts[i / count].receive, i % count, type, values[i]);
    });
}
EXPORT int ncclAllGather(const void* send, void* receive, size_t count, int type, Comm* comm, void*) {
    if (!comm || type != uint8) return invalid_argument;
    return collective(comm, {send, receive}, [=](std::vector<Part>& parts) {
        std::string all;
        for (auto& part : parts) all.append(static_cast<const char*>(part.send), count);
        for (auto& part : parts) memcpy(part.receive, all.data(), all.size());
    });
}
EXPORT int ncclBroadcast(const void* send, void* receive, size_t count, int type, int root, Comm* comm, void*) {
    if (!comm || type != uint8 || root < 0 || root >= (int)comm->group->size) return invalid_argument;
    return collective(comm, {send, receive}, [=](std::vector<Part>& parts) {
        for (auto& part : parts) memmove(part.receive, parts[root].send, count);
    });
}
EXPORT int ncclCommGetAsyncError(Comm* comm, int* error) {
    if (!comm) return invalid_argument;
    std::lock_guard<std::mutex> guard(comm->group->lock);
    *error = comm->error || comm->group->joined == comm->group->size ? comm->error : in_progress;
    return success;
}
EXPORT int ncclCommFinalize(Comm* comm) {
    if (!comm || comm->finalized) return invalid_argument;
    comm->finalized = true;
    return success;
}
EXPORT int ncclCommDestroy(Comm* comm) {
    if (!comm || !comm->finalized) return invalid_argument;
    delete comm;
    return success;
}
EXPORT int ncclCommAbort(Comm* comm) {
    if (!comm) return invalid_argument;
    delete comm;
    return success;
}
EXPORT const char* ncclGetErrorString(int code) {
    switch (code) {
        case success: return "no error";
        case invalid_argument: return "invalid argument";
        case invalid_usage: return "invalid usage";
        case remote_error: return "remote process exited or there was a network error";
        default: return "unknown result code";
    }
}
EXPORT const char* ncclGetLastError(Comm*) { return "the stand-in keeps no messages"; }
