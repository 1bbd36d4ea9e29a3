// A stand-in for NCCL, for tests: libnccl.so.2 for ranks that are threads of one process and buffers in host memory. A collective
// is done when the last rank has called it, in rank order; streams are not looked at.
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

enum Result { success = 0, invalid_argument = 4, invalid_usage = 5, remote_error = 6 };
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
    std::mutex lock;
    std::condition_variable changed;
    std::map<int64_t, Operation> operations;
};

struct Comm {
    std::shared_ptr<Group> group;
    size_t rank;
    int64_t calls = 0;
    int error = success;
};

std::mutex lock;
std::map<std::string, std::shared_ptr<Group>> groups;  // by unique id
int64_t ids = 0;
thread_local int depth = 0;
thread_local std::vector<std::function<void()>> waits;

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

// Leaves this rank's part; the last rank does the work. Inside a group the waiting is put off to its end.
void collective(Comm* comm, Part part, std::function<void(std::vector<Part>&)> work) {
    auto group = comm->group;
    int64_t call = comm->calls++;
    {
        std::lock_guard<std::mutex> guard(group->lock);
        Operation& operation = group->operations[call];
        operation.parts.resize(group->size);
        operation.parts[comm->rank] = part;
        if (++operation.arrived == group->size) {
            work(operation.parts);
            operation.done = true;
            group->changed.notify_all();
        }
    }
    auto wait = [group, call] {
        std::unique_lock<std::mutex> guard(group->lock);
        group->changed.wait(guard, [&] { return group->operations[call].done; });
    };
    if (depth) waits.push_back(wait);
    else wait();
}

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
EXPORT int ncclCommInitRank(Comm** comm, int ranks, UniqueId id, int rank) {
    if (rank < 0 || rank >= ranks || id.bytes[0] != 0x5a) return invalid_argument;
    std::lock_guard<std::mutex> guard(lock);
    auto& group = groups[std::string(id.bytes, sizeof id.bytes)];
    if (!group) {
        group = std::make_shared<Group>();
        group->size = ranks;
    }
    if (group->size != (size_t)ranks) return invalid_usage;
    *comm = new Comm{group, (size_t)rank};
    return success;
}
EXPORT int ncclCommInitAll(Comm** comms, int ranks, const int* devices) {
    for (int i = 0; i < ranks; ++i) {
        for (int j = 0; j < i; ++j) {
            if (devices && devices[i] == devices[j]) return invalid_usage;
        }
    }
    UniqueId id;
    ncclGetUniqueId(&id);
    for (int i = 0; i < ranks; ++i) ncclCommInitRank(&comms[i], ranks, id, i);
    return success;
}
EXPORT int ncclAllReduce(const void* send, void* receive, size_t count, int type, int operation, Comm* comm, void*) {
    if (!comm || operation != 0 || (type != float32 && type != bfloat16)) return invalid_argument;
    collective(comm, {send, receive}, [=](std::vector<Part>& parts) {
        std::vector<float> sum(count);
        for (auto& part : parts) {
            for (size_t i = 0; i < count; ++i) {
                sum[i] += type == float32 ? static_cast<const float*>(part.send)[i] : to_float(static_cast<const uint16_t*>(part.send)[i]);
            }
        }
        for (auto& part : parts) {
            for (size_t i = 0; i < count; ++i) {
                if (type == float32) static_cast<float*>(part.receive)[i] = sum[i];
                else static_cast<uint16_t*>(part.receive)[i] = to_bfloat(sum[i]);
            }
        }
    });
    return success;
}
EXPORT int ncclBroadcast(const void* send, void* receive, size_t count, int type, int root, Comm* comm, void*) {
    if (!comm || type != uint8 || root < 0 || root >= (int)comm->group->size) return invalid_argument;
    collective(comm, {send, receive}, [=](std::vector<Part>& parts) {
        for (auto& part : parts) memmove(part.receive, parts[root].send, count);
    });
    return success;
}
EXPORT int ncclGroupStart() {
    ++depth;
    return success;
}
EXPORT int ncclGroupEnd() {
    if (!depth) return invalid_usage;
    if (--depth) return success;
    for (auto& wait : waits) wait();
    waits.clear();
    return success;
}
EXPORT int ncclCommGetAsyncError(Comm* comm, int* error) {
    if (!comm) return invalid_argument;
    *error = comm->error;
    return success;
}
EXPORT int ncclCommDestroy(Comm* comm) {
    if (!comm) return invalid_argument;
    delete comm;
    return success;
}
EXPORT int ncclCommAbort(Comm* comm) { return ncclCommDestroy(comm); }
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
