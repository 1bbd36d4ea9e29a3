package org.sparsercnn.device;

/** A piece of a device's memory. {@link Device#free} gives it back; nothing waits for the garbage collector. */
public record Buffer(long address, long bytes) implements Pointer {}
