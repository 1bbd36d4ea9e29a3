// The device behind the stand-in for the CUDA driver: what was allocated, streams with work that waits, recordings, faults.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace {

enum Result {
    success = 0,
    invalid_value = 1,
    out_of_memory = 2,
    not_initialized = 3,
    no_device = 100,
    invalid_device = 101,
    invalid_image = 200,
    invalid_context = 201,
    invalid_handle = 400,
    not_found = 500,
    not_ready = 600,
    illegal_address = 700,
    capture_unsupported = 900,
    capture_invalidated = 901,
    capture_unmatched = 903,
    capture_unjoined = 904,
    captured_event = 907,
    capture_wrong_thread = 908,
};

using Work = std::function<void()>;

struct Graph {
    std::vector<Work> nodes;
    std::vector<uint64_t> streams;  // that take part in recording it, the first of which began
    bool invalid = false;
};

struct Stream {
    int number;
    std::deque<Work> queue;
    int64_t issued = 0, done = 0;
    Graph* capture = nullptr;
    const void* capturer = nullptr;  // the thread that began
    int64_t recorded = 0, joined = 0;  // work in that recording, and how much of it another stream waited for
};

struct Event {
    bool timing;
    uint64_t stream = 0;  // 0 before it is first recorded
    int64_t ticket = 0;
    Graph* capture = nullptr;
    std::shared_ptr<double> milliseconds = std::make_shared<double>(0);
};

struct Function {
    std::string name;
    int dynamic_shared = 48 << 10;
};

struct Module {
    std::set<std::string> names;  // empty: every name is there
    std::map<std::string, std::unique_ptr<Function>> functions;
};

struct Fault {
    std::string call;
    int64_t after;
    int code;
};

struct State {
    int devices = 0, version = 13000, capability = 90;
    int64_t memory = 0, used = 0, argument_bytes = 64;
    bool initialized = false;
    int sticky = 0;  // what a fault on the device makes every later call return
    double clock = 0;
    int streams_made = 0;
    uint64_t next_handle = 0x1000;
    std::vector<Fault> faults;
    std::string log;
    void (*runner)(const char* name, const void* arguments, int64_t blocks, int64_t threads) = nullptr;
    std::map<uint64_t, int> contexts;             // handle: how often retained
    std::map<uint64_t, uint64_t> device, pinned;  // address: bytes
    std::map<uint64_t, Stream> streams;
    std::map<uint64_t, Event> events;
    std::map<uint64_t, Module> modules;
    std::map<uint64_t, Function*> functions;
    std::map<uint64_t, std::unique_ptr<Graph>> graphs;
    std::map<uint64_t, std::vector<Work>> execs;
};

std::recursive_mutex lock;
State* state = new State;  // never destroyed: threads may outlive static destructors
thread_local uint64_t current;
thread_local char this_thread;

uint64_t new_handle() { return state->next_handle += 16; }

template <class... Values>
void log_line(const char* format, Values... values) {
    char line[256];
    snprintf(line, sizeof line, format, values...);
    state->log += line;
}

// Whether the test wants this call to fail now. Faults of 700 and more stay, as those of a real device do.
int injected(const char* call) {
    for (auto fault = state->faults.begin(); fault != state->faults.end(); ++fault) {
        if (fault->call != call || --fault->after > 0) continue;
        int code = fault->code;
        state->faults.erase(fault);
        if (code >= 700 && code < 900) state->sticky = code;
        return code;
    }
    return success;
}

bool capturing_here() {
    for (auto& [handle, stream] : state->streams) {
        if (stream.capture && stream.capturer == &this_thread) return true;
    }
    return false;
}

// Calls that may wait for the device must not be made by a thread that records (capture mode THREAD_LOCAL).
int forbidden_while_recording() {
    if (!capturing_here()) return success;
    for (auto& [handle, stream] : state->streams) {
        if (stream.capture && stream.capturer == &this_thread) stream.capture->invalid = true;
    }
    return capture_unsupported;
}

bool inside(const std::map<uint64_t, uint64_t>& pieces, uint64_t address, uint64_t bytes) {
    auto above = pieces.upper_bound(address);
    if (above == pieces.begin()) return false;
    auto& [begin, size] = *std::prev(above);
    return address + bytes <= begin + size;
}

void run_one(Stream& stream) {
    Work work = std::move(stream.queue.front());
    stream.queue.pop_front();
    state->clock += 0.5;  // ms
    if (!state->sticky) work();
    ++stream.done;
}

void run_until(uint64_t handle, int64_t ticket) {
    auto found = state->streams.find(handle);
    if (found == state->streams.end()) return;  // destroyed, which waited for it
    while (found->second.done < ticket) run_one(found->second);
}

void run_all() {
    for (auto& [handle, stream] : state->streams) run_until(handle, stream.issued);
}

int submit(uint64_t handle, Work work) {
    auto found = state->streams.find(handle);
    if (found == state->streams.end()) return invalid_handle;
    Stream& stream = found->second;
    if (stream.capture) {
        if (stream.capture->invalid) return capture_invalidated;
        stream.capture->nodes.push_back(std::move(work));
        ++stream.recorded;
        return success;
    }
    stream.queue.push_back(std::move(work));
    ++stream.issued;
    return success;
}

void begin_capture(Stream& stream, Graph* graph, const void* thread) {
    stream.capture = graph;
    stream.capturer = thread;
    stream.recorded = stream.joined = 0;
}

int number_of(uint64_t stream) {
    auto found = state->streams.find(stream);
    return found == state->streams.end() ? 0 : found->second.number;
}

std::vector<char> copy_of(uint64_t address, uint64_t bytes) {
    auto from = reinterpret_cast<const char*>(address);
    return {from, from + bytes};
}

char* pointer(uint64_t address) { return reinterpret_cast<char*>(address); }

}  // namespace
