#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>
#include <immintrin.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

struct Pool {
    std::vector<std::thread> workers;
    std::vector<int> cpus;  // one for each thread, the caller's first; empty when not pinned
    cpu_set_t everywhere;   // the process's CPUs
    int threads;

    static constexpr int closed = 1 << 30;

    // The job. `next` hands out ranges; `inside` counts the workers in it, with a bit that closes it to others: the caller
    // never waits for a worker that some other process keeps from its CPU and that has nothing in hand.
    BlockRange body = nullptr;
    const void* args = nullptr;
    i64 count = 0, step = 1;
    std::atomic<i64> next{0};
    std::atomic<int> inside{closed};
    std::atomic<uint64_t> generation{0};
    std::atomic<bool> stop{false};
    std::atomic<int> sleepers{0};
    std::mutex mutex;  // for sleeping only
    std::condition_variable wake;

    void drain() {
        for (;;) {
            const i64 first = next.fetch_add(step, std::memory_order_relaxed);
            if (first >= count) return;
            body(args, first, std::min(first + step, count), count);
        }
    }
};

namespace {

void pin_to(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);  // refused in some containers: then the thread floats
}

// About 50 microseconds: longer than the gap between two kernels of one step, shorter than a time slice.
constexpr int spins = 2000;

void work(Pool* pool, int index) {
    if (!pool->cpus.empty()) pin_to(pool->cpus[index]);
    uint64_t seen = 0;
    for (;;) {
        for (int i = 0; i < spins && pool->generation.load(std::memory_order_acquire) == seen; ++i) _mm_pause();
        if (pool->generation.load(std::memory_order_acquire) == seen) {
            std::unique_lock<std::mutex> lock(pool->mutex);
            pool->sleepers.fetch_add(1);
            pool->wake.wait(lock, [&] { return pool->generation.load() != seen; });
            pool->sleepers.fetch_sub(1);
        }
        seen = pool->generation.load(std::memory_order_acquire);
        if (pool->stop.load()) return;
        int inside = pool->inside.load(std::memory_order_acquire);
        while (!(inside & Pool::closed))
            if (pool->inside.compare_exchange_weak(inside, inside + 1, std::memory_order_acq_rel)) {
                pool->drain();
                pool->inside.fetch_sub(1, std::memory_order_release);
                break;
            }
    }
}

void announce(Pool* pool) {
    pool->generation.fetch_add(1);
    if (pool->sleepers.load() > 0) {
        std::lock_guard<std::mutex> lock(pool->mutex);
        pool->wake.notify_all();
    }
}

std::vector<int> in_order(const cpu_set_t& set) {
    std::vector<int> cpus;
    for (int c = 0; c < CPU_SETSIZE; ++c)
        if (CPU_ISSET(c, &set)) cpus.push_back(c);
    return cpus;
}

struct Scratch {
    static constexpr int slots = 4;
    float* data[slots] = {};
    i64 size[slots] = {};
    ~Scratch() {
        for (float* d : data) free(d);
    }
};
thread_local Scratch scratch;

}  // namespace

// threads >= 1 in all, the caller's among them. pin >= 0: threads sit on the process's CPUs from that one on.
EXPORT Pool* pool_create(i64 threads, i64 pin) {
    Pool* pool = new Pool;
    pool->threads = (int)threads;
    CPU_ZERO(&pool->everywhere);
    sched_getaffinity(getpid(), sizeof pool->everywhere, &pool->everywhere);
    const std::vector<int> cpus = in_order(pool->everywhere);
    if (pin >= 0 && (size_t)(pin + threads) <= cpus.size())
        pool->cpus.assign(cpus.begin() + pin, cpus.begin() + pin + threads);
    for (int i = 1; i < threads; ++i) pool->workers.emplace_back(work, pool, i);
    return pool;
}

EXPORT void pool_destroy(Pool* pool) {
    pool->stop = true;
    announce(pool);
    for (std::thread& t : pool->workers) t.join();
    delete pool;
}

void pool_run(Pool* pool, BlockRange body, const void* args, i64 count) {
    if (count <= 0) return;
    if (pool->threads == 1 || count == 1) {
        body(args, 0, count, count);
        return;
    }
    if (!pool->cpus.empty() && sched_getcpu() != pool->cpus[0]) {
        // Moved, not tied: threads that the caller starts later inherit its mask.
        pin_to(pool->cpus[0]);
        pthread_setaffinity_np(pthread_self(), sizeof pool->everywhere, &pool->everywhere);
    }
    pool->body = body;
    pool->args = args;
    pool->count = count;
    pool->step = std::max<i64>(1, count / (pool->threads * 8));
    pool->next.store(0, std::memory_order_relaxed);
    pool->inside.store(0, std::memory_order_release);
    announce(pool);
    pool->drain();
    pool->inside.fetch_or(Pool::closed, std::memory_order_acq_rel);
    for (int i = 0; pool->inside.load(std::memory_order_acquire) != Pool::closed; ++i) {
        if (i < spins)
            _mm_pause();
        else
            sched_yield();  // more threads than CPUs: the one we wait for may not be running
    }
}

// The entry for kernels: `body` is the kernel's symbol.
EXPORT void pool_launch(Pool* pool, BlockRange body, const void* args, i64 blocks) { pool_run(pool, body, args, blocks); }

float* thread_scratch(int slot, i64 floats) {
    if (scratch.size[slot] < floats) {
        free(scratch.data[slot]);
        scratch.size[slot] = floats + floats / 4;
        scratch.data[slot] = static_cast<float*>(aligned_alloc(64, ((size_t)scratch.size[slot] * 4 + 63) / 64 * 64));
        if (scratch.data[slot] == nullptr) abort();
    }
    return scratch.data[slot];
}
