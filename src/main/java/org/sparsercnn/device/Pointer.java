package org.sparsercnn.device;

/** Anything a kernel can be pointed at. */
@FunctionalInterface
public interface Pointer {
    /** Address in the device's memory. */
    long address();
}
