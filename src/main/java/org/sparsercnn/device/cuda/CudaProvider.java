package org.sparsercnn.device.cuda;

import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;
import org.sparsercnn.ffi.cuda.CudaBlas;
import org.sparsercnn.ffi.cuda.CudaDnn;
import org.sparsercnn.ffi.cuda.CudaDriver;

/**
 * What a CUDA device is made of. The libraries are made when its context is current.
 *
 * @param kernels the module's image in native memory
 */
public record CudaProvider(CudaDriver driver, Supplier<CudaBlas> blas, Supplier<CudaDnn> dnn, MemorySegment kernels) {}
