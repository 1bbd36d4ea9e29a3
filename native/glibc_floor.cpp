// Keeps the library loadable on GLIBC 2.34. The unwinder of GCC 12 and newer, linked in statically, finds the unwind table
// of a code address through _dl_find_object, which GLIBC has only from 2.35 on. This hidden definition answers the same
// question the way older unwinders did, by walking the loaded objects.
#include <link.h>

#if __GLIBC_PREREQ(2, 35)

namespace {
struct Query {
    ElfW(Addr) pc;
    dl_find_object* answer;
};

int visit(dl_phdr_info* info, size_t, void* data) {
    const Query& query = *static_cast<Query*>(data);
    ElfW(Addr) unwind_table = 0, start = 0, end = 0;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr)& segment = info->dlpi_phdr[i];
        const ElfW(Addr) first = info->dlpi_addr + segment.p_vaddr, last = first + segment.p_memsz;
        if (segment.p_type == PT_LOAD && query.pc >= first && query.pc < last) start = first, end = last;
        if (segment.p_type == PT_GNU_EH_FRAME) unwind_table = first;
    }
    if (start == 0 || unwind_table == 0) return 0;
    *query.answer = {};
    query.answer->dlfo_map_start = reinterpret_cast<void*>(start);
    query.answer->dlfo_map_end = reinterpret_cast<void*>(end);
    query.answer->dlfo_eh_frame = reinterpret_cast<void*>(unwind_table);
    return 1;
}
}  // namespace

// Returns 0 and fills `answer` when `pc` lies in a loaded object that has an unwind table, -1 otherwise.
extern "C" __attribute__((visibility("hidden"))) int _dl_find_object(void* pc, dl_find_object* answer) noexcept {
    Query query{reinterpret_cast<ElfW(Addr)>(pc), answer};
    return dl_iterate_phdr(visit, &query) == 1 ? 0 : -1;
}

#endif
