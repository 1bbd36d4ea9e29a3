// Counter-based random numbers: number `index` of the stream SplitMix64(seed) (Steele, Lea, Flood 2014, with Stafford's
// finaliser 13), by itself.
#pragma once

DEVICE uint64_t splitmix64(uint64_t seed, uint64_t index) {
    uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

// 32 random bits, as dropout compares them with its threshold.
DEVICE i64 random_bits(i64 seed, i64 index) { return (i64)(splitmix64((uint64_t)seed, (uint64_t)index) >> 32); }
