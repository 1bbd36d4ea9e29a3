// A fiber: a stack of its own, switched to and from by hand (x86-64, System V). swapcontext would do the same with two system
// calls each time, and a reduction switches some thousand times a block.
#pragma once
#include <cstddef>
#include <cstdint>

// Saves the registers a callee must keep and the stack pointer to *from, and continues where `to` was left.
extern "C" void fiber_switch(void** from, void* to);

// A stack for one fiber, with a page below it that may not be touched.
class FiberStack {
public:
    FiberStack();
    FiberStack(const FiberStack&) = delete;
    FiberStack& operator=(const FiberStack&) = delete;
    ~FiberStack();

    // Where to switch to in order to call `entry`, which must never return.
    void* prepare(void (*entry)()) const;

private:
    static constexpr size_t size = 128 << 10, page = 4096;
    char* memory;
};
