package org.sparsercnn.ffi.jcuda;

import org.sparsercnn.ffi.cuda.CudaBinding;
import org.sparsercnn.ffi.cuda.CudaDriver;

/** {@code -Dsparsercnn.cuda.binding=jcuda} */
public final class JCudaBinding implements CudaBinding {
    @Override
    public String name() {
        return "jcuda";
    }

    @Override
    public CudaDriver open() {
        return new JCudaDriver();
    }
}
