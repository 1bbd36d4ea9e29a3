// Memory for tensors. Large pieces ask for huge pages: a convolution's strips walk megabytes, and 4 KB pages cost TLB misses
// and a fault each.
#include <sys/mman.h>

#include <cstdlib>

#include "pool.h"

static constexpr i64 huge = 2 << 20;

EXPORT void* memory_allocate(i64 bytes) {
    if (bytes < huge) return aligned_alloc(64, ((size_t)bytes + 63) / 64 * 64);
    const size_t size = ((size_t)bytes + 4095) / 4096 * 4096;
    void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return nullptr;
    madvise(p, size, MADV_HUGEPAGE);  // a wish; the system may refuse
    return p;
}

EXPORT void memory_free(void* p, i64 bytes) {
    if (bytes < huge)
        free(p);
    else
        munmap(p, ((size_t)bytes + 4095) / 4096 * 4096);
}
