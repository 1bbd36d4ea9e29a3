package org.sparsercnn.device.cuda;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.sparsercnn.ffi.NativeLibraries;
import org.sparsercnn.ffi.cuda.CublasLt;
import org.sparsercnn.ffi.cuda.CudaBlas;
import org.sparsercnn.ffi.cuda.CudaDriver;
import org.sparsercnn.ffi.cuda.CudaDrivers;
import org.sparsercnn.ffi.cuda.CudaException;
import org.sparsercnn.ffi.cuda.CudaLibraries;
import org.sparsercnn.ffi.cuda.Cudnn;
import org.sparsercnn.ffi.cuda.DeviceAttribute;
import org.sparsercnn.ffi.jcuda.JCublas;
import org.sparsercnn.util.BadInput;

/** The GPUs of this machine. */
public final class CudaDevices {
    private static final String KERNELS = "kernels.fatbin";

    /**
     * A GPU, usable or not.
     *
     * @param capability 90 for compute capability 9.0
     * @param bytes of memory
     */
    public record Gpu(int ordinal, String name, int capability, long bytes, String pciBusId) {}

    private final CudaDriver driver;

    CudaDevices(CudaDriver driver) {
        this.driver = driver;
    }

    /** @throws BadInput where there is no usable driver or no GPU: why, and what to do */
    public static CudaDevices ofThisMachine() {
        return new CudaDevices(CudaDrivers.open());
    }

    public CudaDriver driver() {
        return driver;
    }

    public List<Gpu> list() {
        return IntStream.range(0, driver.deviceCount()).mapToObj(i -> new Gpu(i, driver.deviceName(i), capability(i),
                driver.deviceTotalMemory(i), driver.devicePciBusId(i))).toList();
    }

    private int capability(int ordinal) {
        return 10 * driver.deviceAttribute(ordinal, DeviceAttribute.COMPUTE_CAPABILITY_MAJOR)
                + driver.deviceAttribute(ordinal, DeviceAttribute.COMPUTE_CAPABILITY_MINOR);
    }

    /**
     * Opens a GPU with the libraries of this machine.
     *
     * @throws BadInput where there is no such GPU, it cannot be used, or something it needs is missing
     */
    public CudaDevice open(CudaOptions options) {
        CudaDrivers.requireDevice(driver, options.ordinal());
        Path kernels = NativeLibraries.find(KERNELS).orElseThrow(() -> new BadInput("This build has no GPU kernels (" + KERNELS
                + "): nvcc was missing when it was made. Install the CUDA toolkit 13 and build again, or use --device cpu"));
        long workspace = CudaBlas.advisedWorkspace(capability(options.ordinal()) / 10);
        try (Arena arena = Arena.ofConfined(); FileChannel file = FileChannel.open(kernels)) {
            return open(new CudaProvider(driver, () -> blas(workspace, options),
                    () -> Cudnn.open(CudaLibraries.ofThisMachine().require(CudaLibraries.Library.CUDNN), driver.deviceName(options.ordinal())),
                    file.map(FileChannel.MapMode.READ_ONLY, 0, file.size(), arena)), options);
        } catch (IOException e) {
            throw new UncheckedIOException(kernels.toString(), e);
        }
    }

    /** JCublas where its binding was asked for and CUDA 12's cuBLAS is there; else cuBLASLt, which has epilogues and CUDA 13. */
    private CudaBlas blas(long workspace, CudaOptions options) {
        boolean throughJCuda = driver.binding().equals("jcuda") && JCublas.isAvailable();
        return throughJCuda ? new JCublas(workspace) : CublasLt.open(workspace, options.deterministic());
    }

    static CudaDevice open(CudaProvider provider, CudaOptions options) {
        try {
            return new CudaDevice(provider, options);
        } catch (CudaException e) {
            throw new BadInput("cuda:" + options.ordinal() + " (" + provider.driver().deviceName(options.ordinal()) + ") cannot be used. "
                    + e.getMessage() + ". " + remedy(e), e);
        }
    }

    private static String remedy(CudaException e) {
        return switch (e.code()) {
            case 2 -> "Its memory is full: nvidia-smi lists the processes that hold it";
            case 46, 101 -> "Another process may have it to itself: wait for it, or nvidia-smi -c DEFAULT";
            case 200, 209, 218, 222 -> "The kernels of this build do not suit this GPU or driver: install a newer driver";
            default -> "See what nvidia-smi and dmesg say";
        };
    }
}
