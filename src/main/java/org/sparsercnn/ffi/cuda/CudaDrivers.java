package org.sparsercnn.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.sparsercnn.ffi.cuda.CudaLibraries.Found;
import org.sparsercnn.ffi.cuda.CudaLibraries.Library;
import org.sparsercnn.util.BadInput;

/**
 * Opens the driver with the binding that {@code -Dsparsercnn.cuda.binding=auto|panama|jcuda} names (auto is Panama), once it is
 * known to be there and new enough. What a user can remedy is a {@link BadInput} that says how.
 */
public final class CudaDrivers {
    public static final String BINDING_PROPERTY = "sparsercnn.cuda.binding";

    /** The oldest driver that takes the kernels: that of the CUDA release whose nvcc builds them. */
    public static final String DRIVER_FLOOR = "580";

    private static final int VERSION_FLOOR = 13000;
    private static final int CAPABILITY_FLOOR = 80;
    /** {@code CUDA_ERROR_NO_DEVICE}. */
    private static final int NO_DEVICE = 100;

    private CudaDrivers() {}

    /** The driver, initialised, with at least one device. */
    public static CudaDriver open() {
        return open(System.getProperty(BINDING_PROPERTY, "auto"));
    }

    /** @param binding "auto", "panama" or "jcuda" */
    public static CudaDriver open(String binding) {
        Found library = CudaLibraries.ofThisMachine().require(Library.CUDA);
        requireVersion(library);
        try {
            CudaDriver driver = binding.equals("auto") || binding.equals("panama") ? new PanamaDriver() : other(binding).open();
            if (driver.deviceCount() == 0) throw new BadInput("The CUDA driver sees no GPU. " + visibility());
            return driver;
        } catch (CudaException e) {
            if (e.code() == NO_DEVICE) throw new BadInput("The CUDA driver sees no GPU. " + e.getMessage() + ". " + visibility(), e);
            throw new BadInput("The CUDA driver does not start. " + e.getMessage() + ". " + remedy(e.code()), e);
        }
    }

    private static CudaBinding other(String name) {
        for (CudaBinding binding : ServiceLoader.load(CudaBinding.class, CudaDrivers.class.getClassLoader())) {
            if (binding.name().equals(name)) return binding;
        }
        throw BadInput.of("-D%s=%s: wanted auto, panama or jcuda", BINDING_PROPERTY, name);
    }

    /** Asked before anything else: an old driver lacks functions. */
    private static void requireVersion(Found library) {
        int version;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment answer = arena.allocate(JAVA_INT);
            int status = NativeCall.of(library.symbols(), "cuDriverGetVersion", 1).status(answer.address());
            if (status != 0) throw BadInput.of("%s does not tell its version (error %d). %s", library.file(), status,
                    Library.CUDA.remedy());
            version = answer.get(JAVA_INT, 0);
        }
        if (version < VERSION_FLOOR) {
            throw BadInput.of("The NVIDIA driver supports CUDA %s at most (%s); CUDA %s is wanted: install driver %s or newer",
                    release(version), library.file(), release(VERSION_FLOOR), DRIVER_FLOOR);
        }
    }

    private static String release(int version) {
        return version / 1000 + "." + version % 1000 / 10;
    }

    /** What to do when cuInit fails. */
    private static String remedy(int code) {
        return switch (code) {
            case 34 -> "This is the toolkit's stub of libcuda; name the folder of the driver's own with -D" + CudaLibraries.PATH_PROPERTY;
            case 46 -> "The GPU is in use by another process in exclusive mode; wait for it, or nvidia-smi -c DEFAULT";
            case 101 -> visibility();
            case 802 -> "The system is not ready yet; on machines with NVSwitch the service nvidia-fabricmanager must run";
            case 803 -> "The driver was updated and its kernel module was not; restart the machine or reload the module";
            case 804 -> "This GPU does not work with CUDA's forward compatibility package; remove it from the loader's path";
            default -> "See what nvidia-smi and dmesg say; in a container, start it with docker run --gpus all";
        };
    }

    private static String visibility() {
        String visible = System.getenv("CUDA_VISIBLE_DEVICES");
        return visible != null ? "CUDA_VISIBLE_DEVICES=" + visible + " may hide it: unset it, or name a device that nvidia-smi -L lists"
                : "If nvidia-smi -L lists one, this process may not reach it: in a container, start it with docker run --gpus all";
    }

    /** @throws BadInput where there is no device of that number, or it is too old for the kernels */
    public static void requireDevice(CudaDriver driver, int ordinal) {
        int count = driver.deviceCount();
        if (ordinal < 0 || ordinal >= count) {
            String found = IntStream.range(0, count).mapToObj(i -> "cuda:" + i + " (" + driver.deviceName(i) + ")")
                    .collect(Collectors.joining(", "));
            String visible = System.getenv("CUDA_VISIBLE_DEVICES");
            throw BadInput.of("There is no GPU cuda:%d; found %s%s", ordinal, found,
                    visible == null ? "" : ", with CUDA_VISIBLE_DEVICES=" + visible);
        }
        int major = driver.deviceAttribute(ordinal, DeviceAttribute.COMPUTE_CAPABILITY_MAJOR);
        int minor = driver.deviceAttribute(ordinal, DeviceAttribute.COMPUTE_CAPABILITY_MINOR);
        if (major * 10 + minor < CAPABILITY_FLOOR) {
            throw BadInput.of("cuda:%d (%s) has compute capability %d.%d; %d.%d (Ampere, 2020) or newer"
                    + " is wanted: use another GPU or --device cpu", ordinal, driver.deviceName(ordinal), major, minor, CAPABILITY_FLOOR / 10,
                    CAPABILITY_FLOOR % 10);
        }
    }
}
