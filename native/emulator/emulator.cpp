// Runs a kernel block by block, each thread of a block a fiber. The first thread in the order that can go on does so until it
// stands at a barrier or at something its warp does together; thus one thread, or one warp, runs ahead as far as the others
// let it, and what only holds in lockstep breaks. Shared memory begins each block full of NaN. An asynchronous copy spoils its
// target at once and writes it when it is waited for: between the two nobody may read the one or rely on the other.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <mutex>
#include <numeric>
#include <string>
#include <vector>

#include "common.cuh"
#include "fiber.h"

Dim threadIdx, blockIdx, blockDim, gridDim;

namespace {

enum Order : i64 { forward, backward, seeded };

enum class State { ready, at_barrier, with_warp, ended };

struct Copy {
    void* to;
    const void* from;
    int group;
};

struct Thread {
    State state;
    Site site;
    void* fiber;  // null until its first turn
    int stack;
    unsigned mask;  // of the lanes it waits for, to do `work`
    const WarpWork* work;
    void* data;
    std::vector<Copy> copies;
    int group;  // of the copies it begins now
};

struct SharedArray {
    const void* mark;
    const char* name;
    size_t bytes;
    std::unique_ptr<char[]> memory;
    char* start;
};

constexpr unsigned warp_size = 32;
constexpr size_t margin = 64;             // bytes behind a shared array that must stay as they were
constexpr size_t most_static = 48 << 10;  // what every card gives a block unasked
constexpr size_t most_shared = 227 << 10;  // what a Hopper card gives it if asked
constexpr size_t shared_alignment = 128;
constexpr char dynamic_mark = 0;

struct Random {  // Steele, Lea, Flood 2014
    uint64_t state;
    uint64_t next() {
        uint64_t z = state += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
};

class Emulator {
public:
    // Empty, or what went wrong.
    std::string run(void (*kernel)(const void*), const char* name, const void* args, i64 blocks, i64 threads, size_t dynamic_bytes,
                    Order order, i64 seed);

    void fail(const std::string& what);
    void* dynamic_shared();
    void* shared_array(const void* mark, const char* name, size_t bytes);
    void barrier(Site site) { wait(State::at_barrier, site); }
    void with_warp(unsigned mask, const WarpWork& work, void* data, Site site);
    bool in_shared(const void* address, size_t bytes) const;
    void copy_begin(void* to, const void* from);
    void copy_commit() { ++threads[threadIdx.x].group; }
    void copy_wait(int pending);

private:
    void (*kernel)(const void*);
    const void* args;
    size_t dynamic_bytes;
    Order order;
    Random random;
    std::vector<Thread> threads;
    std::vector<unsigned> by_rank, rank_of;  // the order of threads, drawn anew at every barrier
    std::vector<uint64_t> ready;             // a bit for each rank
    std::vector<SharedArray> shared;
    std::vector<std::unique_ptr<FiberStack>> stacks;
    std::vector<int> free_stacks;
    void* scheduler = nullptr;
    std::string error;

    void run_block();
    void check_shared();
    void resume(unsigned t);
    void wait(State state, Site site);
    void open_warp(unsigned t);
    void open_barrier();
    void draw(std::vector<unsigned>& numbers);
    int first_ready() const;
    void set_ready(unsigned t);
    std::string place(unsigned t) const;
    bool together(unsigned t, unsigned u) const;
    void explain_stop();

    static void fiber_main();
};

Emulator emulator;
std::mutex one_launch;

std::string Emulator::run(void (*k)(const void*), const char* name, const void* a, i64 blocks, i64 block_size,
                          size_t shared_bytes, Order o, i64 seed) {
    if (block_size < 1 || block_size > 1024 || block_size % warp_size) return "blocks have 32, 64, … or 1024 threads";
    kernel = k;
    args = a;
    dynamic_bytes = shared_bytes;
    order = o;
    random = {(uint64_t)seed};
    error.clear();
    threads.resize(block_size);
    by_rank.resize(block_size);
    rank_of.resize(block_size);
    blockDim = {(unsigned)block_size};
    gridDim = {(unsigned)blocks};
    std::vector<unsigned> turn(blocks);
    draw(turn);
    for (unsigned b : turn) {
        blockIdx = {b};
        run_block();
        if (!error.empty()) return std::string(name) + ", block " + std::to_string(b) + " of " + std::to_string(blocks) + ": " + error;
    }
    return "";
}

void Emulator::run_block() {
    shared.clear();
    free_stacks.resize(stacks.size());
    std::iota(free_stacks.begin(), free_stacks.end(), 0);
    for (Thread& t : threads) t = Thread{};
    draw(by_rank);
    ready.assign((threads.size() + 63) / 64, 0);
    for (unsigned r = 0; r < by_rank.size(); ++r) rank_of[by_rank[r]] = r;
    for (unsigned t = 0; t < threads.size(); ++t) set_ready(t);
    while (error.empty()) {
        const int t = first_ready();
        if (t >= 0)
            resume((unsigned)t);
        else if (std::all_of(threads.begin(), threads.end(), [](const Thread& x) { return x.state == State::ended; }))
            return check_shared();
        else
            open_barrier();
    }
}

void* Emulator::shared_array(const void* mark, const char* name, size_t bytes) {
    for (const SharedArray& s : shared)
        if (s.mark == mark) return s.start;
    auto memory = std::make_unique<char[]>(shared_alignment + bytes + margin);
    char* start = memory.get() + (shared_alignment - (uintptr_t)memory.get() % shared_alignment);
    shared.push_back({mark, name, bytes, std::move(memory), start});
    return memset(start, 0xff, bytes + margin);  // NaN as float and as double
}

void* Emulator::dynamic_shared() { return shared_array(&dynamic_mark, "memory of the launch", dynamic_bytes); }

bool Emulator::in_shared(const void* address, size_t bytes) const {
    return std::any_of(shared.begin(), shared.end(),
                       [=](const SharedArray& s) { return address >= s.start && (const char*)address + bytes <= s.start + s.bytes; });
}

// The thread goes on until its next stop; what counts is the first thing that went wrong.
void Emulator::fail(const std::string& what) {
    if (error.empty()) error = "thread " + std::to_string(threadIdx.x) + ": " + what;
}

void Emulator::copy_begin(void* to, const void* from) {
    if (!in_shared(to, 16)) return fail("an asynchronous copy to an address outside shared memory");
    if ((uintptr_t)to % 16 || (uintptr_t)from % 16) return fail("an asynchronous copy of 16 bytes that are not aligned to 16");
    Thread& thread = threads[threadIdx.x];
    memset(to, 0xff, 16);
    thread.copies.push_back({to, from, thread.group});
}

// All groups but the `pending` latest arrive.
void Emulator::copy_wait(int pending) {
    Thread& thread = threads[threadIdx.x];
    const auto late = std::stable_partition(thread.copies.begin(), thread.copies.end(),
                                            [&](const Copy& c) { return c.group < thread.group - pending; });
    for (auto c = thread.copies.begin(); c != late; ++c) memcpy(c->to, c->from, 16);
    thread.copies.erase(thread.copies.begin(), late);
}

void Emulator::check_shared() {
    size_t total = 0, unasked = 0;
    for (const SharedArray& s : shared) {
        const char* end = s.start + s.bytes;
        if (std::any_of(end, end + margin, [](char c) { return c != (char)0xff; }))
            error = std::string("wrote past the end of shared ") + s.name;
        total += s.bytes;
        unasked += s.mark == &dynamic_mark ? 0 : s.bytes;
    }
    if (unasked > most_static) error = std::to_string(unasked) + " bytes of static shared memory, of at most " + std::to_string(most_static);
    if (total > most_shared) error = std::to_string(total) + " bytes of shared memory, of at most " + std::to_string(most_shared);
    for (const Thread& t : threads)
        if (!t.copies.empty()) error = "ended before " + std::to_string(t.copies.size()) + " asynchronous copies of a thread had arrived";
}

void Emulator::resume(unsigned t) {
    Thread& thread = threads[t];
    if (!thread.fiber) {
        if (free_stacks.empty()) {
            free_stacks.push_back((int)stacks.size());
            stacks.push_back(std::make_unique<FiberStack>());
        }
        thread.stack = free_stacks.back();
        free_stacks.pop_back();
        thread.fiber = stacks[thread.stack]->prepare(fiber_main);
    }
    ready[rank_of[t] / 64] &= ~(1ull << rank_of[t] % 64);
    threadIdx = {t};
    fiber_switch(&scheduler, thread.fiber);
    if (thread.state == State::ended) free_stacks.push_back(thread.stack);
    if (thread.state == State::with_warp) open_warp(t);
}

void Emulator::fiber_main() {
    emulator.kernel(emulator.args);
    emulator.wait(State::ended, {});
}

// Called on a thread's fiber.
void Emulator::wait(State state, Site site) {
    Thread& thread = threads[threadIdx.x];
    thread.state = state;
    thread.site = site;
    fiber_switch(&thread.fiber, scheduler);
}

void Emulator::with_warp(unsigned mask, const WarpWork& work, void* data, Site site) {
    Thread& thread = threads[threadIdx.x];
    thread.mask = mask;
    thread.work = &work;
    thread.data = data;
    wait(State::with_warp, site);
}

// Does the work of a warp once all threads that the mask names are there, and lets them go on; `t` came last.
void Emulator::open_warp(unsigned t) {
    const unsigned mask = threads[t].mask, warp = t / warp_size * warp_size;
    if (!(mask >> (t - warp) & 1)) {
        error = place(t) + " with a mask that leaves itself out";
        return;
    }
    void* lanes[warp_size] = {};
    for (unsigned lane = 0; lane < warp_size; ++lane) {
        if (!(mask >> lane & 1)) continue;
        if (!together(t, warp + lane)) return;
        lanes[lane] = threads[warp + lane].data;
    }
    const WarpFault fault = threads[t].work->run(mask, lanes);
    if (fault.lane >= 0) {
        error = place(warp + (unsigned)fault.lane) + fault.what;
        return;
    }
    for (unsigned lane = 0; lane < warp_size; ++lane)
        if (mask >> lane & 1) set_ready(warp + lane);
}

// Nobody can go on: either all stand at one barrier, or something is wrong.
void Emulator::open_barrier() {
    for (unsigned t = 0; t < threads.size(); ++t)
        if (threads[t].state != State::at_barrier || !together(0, t)) return explain_stop();
    draw(by_rank);
    for (unsigned r = 0; r < by_rank.size(); ++r) rank_of[by_rank[r]] = r;
    for (unsigned t = 0; t < threads.size(); ++t) set_ready(t);
}

void Emulator::draw(std::vector<unsigned>& numbers) {
    std::iota(numbers.begin(), numbers.end(), 0u);
    if (order == backward) std::reverse(numbers.begin(), numbers.end());
    if (order == seeded)
        for (size_t i = numbers.size(); i > 1; --i) std::swap(numbers[i - 1], numbers[random.next() % i]);
}

int Emulator::first_ready() const {
    for (size_t w = 0; w < ready.size(); ++w)
        if (ready[w]) return (int)by_rank[w * 64 + __builtin_ctzll(ready[w])];
    return -1;
}

void Emulator::set_ready(unsigned t) {
    threads[t].state = State::ready;
    ready[rank_of[t] / 64] |= 1ull << rank_of[t] % 64;
}

// Do both stand at the same barrier, or before the same work of the same lanes?
bool Emulator::together(unsigned t, unsigned u) const {
    const Thread &x = threads[t], &y = threads[u];
    return x.state == y.state && x.site.line == y.site.line && !strcmp(x.site.file, y.site.file) &&
           (x.state != State::with_warp || x.mask == y.mask);
}

std::string Emulator::place(unsigned t) const {
    const Thread& x = threads[t];
    const std::string who = "thread " + std::to_string(t);
    if (x.state == State::ended) return who + " has ended";
    const char* slash = strrchr(x.site.file, '/');
    return who + " stands at the " + (x.state == State::at_barrier ? "barrier" : x.work->name) + " of " +
           (slash ? slash + 1 : x.site.file) + ":" + std::to_string(x.site.line);
}

void Emulator::explain_stop() {
    const auto waits = [this](State s) {
        return std::find_if(threads.begin(), threads.end(), [s](const Thread& x) { return x.state == s; }) - threads.begin();
    };
    unsigned t = (unsigned)waits(State::with_warp), from = 0, to = (unsigned)threads.size();
    if (t < threads.size()) {  // its warp is the one that is stuck
        from = t / warp_size * warp_size;
        to = from + warp_size;
    } else {
        t = (unsigned)waits(State::at_barrier);
    }
    for (unsigned u = from; u < to; ++u) {
        const bool awaited = threads[t].state == State::at_barrier || threads[t].mask >> (u - from) & 1;
        if (awaited && (threads[u].state == State::ended || !together(t, u))) {
            error = place(t) + " and waits for " + (threads[t].state == State::at_barrier ? "the whole block" : "the lanes of its mask") +
                    ", but " + place(u);
            return;
        }
    }
}

}  // namespace

void* emulated_shared(const void* mark, const char* name, size_t bytes) { return emulator.shared_array(mark, name, bytes); }

void emulated_barrier(Site site) { emulator.barrier(site); }

void* emulated_dynamic_shared() { return emulator.dynamic_shared(); }

void emulated_fail(const char* what) { emulator.fail(what); }

bool emulated_in_shared(const void* address, size_t bytes) { return emulator.in_shared(address, bytes); }

void emulated_with_warp(unsigned mask, const WarpWork& work, void* data, Site site) { emulator.with_warp(mask, work, data, site); }

void emulated_copy_begin(void* to, const void* from) { emulator.copy_begin(to, from); }
void emulated_copy_commit() { emulator.copy_commit(); }
void emulated_copy_wait(int pending) { emulator.copy_wait(pending); }

static WarpFault shuffle(unsigned mask, void* const* lanes) {
    uint64_t bits[warp_size];
    for (int lane = 0; lane < (int)warp_size; ++lane) {
        if (!lanes[lane]) continue;
        const unsigned source = ((const Shuffled*)lanes[lane])->source;
        if (!(mask >> source & 1)) return {lane, " reading from lane " + std::to_string(source) + ", which its mask does not name"};
        bits[lane] = ((const Shuffled*)lanes[source])->bits;
    }
    for (unsigned lane = 0; lane < warp_size; ++lane)
        if (lanes[lane]) ((Shuffled*)lanes[lane])->bits = bits[lane];
    return {};
}
static WarpFault meet(unsigned, void* const*) { return {}; }

const WarpWork emulated_shuffling{"shuffle", shuffle}, emulated_meeting{"barrier of the warp", meet};

// Runs a kernel over `blocks` blocks of `threads` threads with `shared` bytes of dynamic shared memory; `kernel` is its exported entry, `order` 0 forward, 1 backward, 2 drawn
// from `seed`. Returns null, or what went wrong; the text stays until the next call.
EXPORT const char* emulate(void (*kernel)(const void*), const char* name, const void* args, i64 blocks, i64 threads, i64 shared, i64 order,
                            i64 seed) {
    static std::string message;
    const std::lock_guard<std::mutex> lock(one_launch);
    message = emulator.run(kernel, name, args, blocks, threads, (size_t)shared, (Order)order, seed);
    return message.empty() ? nullptr : message.c_str();
}
