package org.sparsercnn.ffi.cuda;

/** Another way to reach the driver than {@link PanamaDriver}; found by {@link java.util.ServiceLoader}. */
public interface CudaBinding {
    /** The value of {@code sparsercnn.cuda.binding} that asks for it. */
    String name();

    /**
     * Initialises the driver; libcuda is loaded already.
     *
     * @throws org.sparsercnn.util.BadInput where this binding cannot be used, and why
     * @throws CudaException where the driver does not start
     */
    CudaDriver open();
}
