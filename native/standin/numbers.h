// fp32 numbers and the shorter ones cut from them.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

namespace standin {

inline float bits(uint32_t u) {
    float f;
    memcpy(&f, &u, 4);
    return f;
}
inline uint32_t bits(float f) {
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}
// To nearest, ties to even, dropping so many bits.
inline float rounded(float f, int dropped) {
    uint32_t u = bits(f);
    if (std::isnan(f)) return f;
    u += ((1u << (dropped - 1)) - 1) + (u >> dropped & 1);
    return bits(u >> dropped << dropped);
}

}  // namespace standin
