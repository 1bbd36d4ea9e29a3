package org.sparsercnn.ffi.cuda;

/** A call into one of NVIDIA's libraries that failed. Whoever knows what the user can do about it turns it into a BadInput. */
public final class CudaException extends RuntimeException {
    private final String library;
    private final int code;

    /**
     * @param library "CUDA", "cuBLAS", "cuDNN", "NCCL" or "NVML"
     * @param call the function that failed
     * @param code its result
     * @param name of the code, "CUDA_ERROR_ILLEGAL_ADDRESS"
     * @param text the library's words about it
     */
    public CudaException(String library, String call, int code, String name, String text) {
        super(library + ": " + call + " failed with " + name + " (" + code + "): " + text);
        this.library = library;
        this.code = code;
    }

    public String library() {
        return library;
    }

    public int code() {
        return code;
    }
}
