#include "fiber.h"

#include <sys/mman.h>

#include <cstring>
#include <new>

__asm__(R"(
.text
.globl fiber_switch
.hidden fiber_switch
.type fiber_switch, @function
fiber_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size fiber_switch, . - fiber_switch
)");

FiberStack::FiberStack() {
    void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    memory = (char*)p;
    mprotect(memory, page, PROT_NONE);
}

FiberStack::~FiberStack() { munmap(memory, size); }

void* FiberStack::prepare(void (*entry)()) const {
    // As if fiber_switch had been called at the entry: six registers, the address to return to, and a stack that is 8 off a
    // multiple of 16 there, as after a call.
    void** top = (void**)(memory + size) - 8;
    memset(top, 0, 8 * sizeof(void*));
    top[6] = (void*)entry;
    return top;
}
