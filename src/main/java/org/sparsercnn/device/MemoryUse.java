package org.sparsercnn.device;

/** Bytes of a device's memory: handed out now, the most ever handed out, and held from the system (cached ones included). */
public record MemoryUse(long inUse, long peak, long reserved) {}
