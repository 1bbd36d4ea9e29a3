package org.sparsercnn.app;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.sparsercnn.app.Doctor.Finding;
import org.sparsercnn.device.cuda.CudaDevice;
import org.sparsercnn.device.cuda.CudaDevices;
import org.sparsercnn.device.cuda.CudaOptions;
import org.sparsercnn.ffi.NativeLibraries;
import org.sparsercnn.ffi.cuda.CudaDrivers;
import org.sparsercnn.ffi.cuda.CudaException;
import org.sparsercnn.ffi.cuda.CudaLibraries;
import org.sparsercnn.ffi.cuda.CudaLibraries.Found;
import org.sparsercnn.ffi.cuda.CudaLibraries.Library;
import org.sparsercnn.ffi.cuda.CudaLibraries.Missing;
import org.sparsercnn.ffi.cuda.Fatbin;
import org.sparsercnn.ffi.cuda.GpuState;
import org.sparsercnn.ffi.cuda.LibraryVersion;
import org.sparsercnn.ffi.cuda.Nvml;
import org.sparsercnn.util.BadInput;

/** {@code doctor}'s look at GPUs: kernels in the jar, NVIDIA's libraries, the driver, every device. */
final class GpuDoctor {
    private static final String KERNELS = "kernels.fatbin";
    /** What the driver's kernel module makes, on bare Linux and under Windows. */
    private static final List<Path> GPU_FILES = List.of(Path.of("/dev/nvidiactl"), Path.of("/dev/dxg"));

    private final boolean asked;
    private final int wanted;
    private final List<Finding> findings = new ArrayList<>();

    /** @param device cpu, cuda, cuda:N or auto */
    GpuDoctor(String device) {
        if (!device.matches("auto|cpu|cuda(:\\d{1,4})?")) {
            throw BadInput.of("--device %s: no such device; one of cpu, cuda, cuda:N, auto", device);
        }
        asked = device.startsWith("cuda");
        wanted = device.contains(":") ? Integer.parseInt(device.substring(device.indexOf(':') + 1)) : 0;
    }

    List<Finding> findings() {
        present().ifPresent(this::open);
        return findings;
    }

    /** What is there, without trying it. */
    List<Finding> facts() {
        present();
        return findings;
    }

    private Optional<CudaDevices> present() {
        Optional<CudaDevices> devices = driver();
        boolean needed = devices.isPresent() || asked;
        kernels(needed);
        for (Library library : Library.values()) {
            if (library != Library.CUDA) {
                library(library, needed);
            }
        }
        devices.ifPresent(all -> all.list().forEach(gpu -> findings.add(describe(gpu))));
        return devices;
    }

    private Optional<CudaDevices> driver() {
        if (CudaLibraries.ofThisMachine().find(Library.CUDA) instanceof Found found) {
            findings.add(found(found));
        }
        try {
            return Optional.of(CudaDevices.ofThisMachine());
        } catch (BadInput e) {
            boolean here = asked || GPU_FILES.stream().anyMatch(Files::exists);
            findings.add(here ? Finding.problem("GPU", e.getMessage())
                    : Finding.fact("GPU", "none: this machine computes on the CPU (" + e.getMessage().lines().findFirst().orElseThrow() + ")"));
            return Optional.empty();
        }
    }

    private void kernels(boolean needed) {
        Optional<Path> file = NativeLibraries.find(KERNELS);
        if (file.isPresent()) {
            List<String> architectures = Fatbin.architectures(file.get());
            findings.add(new Finding("GPU kernels", false, String.join(", ", architectures) + ", " + file.get(), Map.of("architectures", architectures)));
        } else {
            String text = "none: built without nvcc";
            findings.add(needed ? Finding.problem("GPU kernels", text + ". Install the CUDA toolkit 13 and build again, or take a distribution")
                    : Finding.fact("GPU kernels", text));
        }
    }

    private void library(Library library, boolean needed) {
        switch (CudaLibraries.ofThisMachine().find(library)) {
            case Found found -> findings.add(found(found));
            case Missing missing when needed && isNeeded(library) -> findings.add(Finding.problem(library.title(), missing.message()));
            case Missing _ -> findings.add(Finding.fact(library.title(), "not found" + (needed ? "; " + use(library) + ". " + library.remedy() : "")));
        }
    }

    /** Whether one GPU needs it. */
    private static boolean isNeeded(Library library) {
        return library == Library.CUBLAS_LT || library == Library.CUDNN;
    }

    private static String use(Library library) {
        return switch (library) {
            case NVML -> "power, clocks and temperature stay unknown";
            case CUBLAS -> "only the JCuda binding uses it";
            case NVRTC -> "some of cuDNN's engines use it";
            case NCCL -> "several GPUs use it";
            case CUDA, CUBLAS_LT, CUDNN -> "needed";
        };
    }

    private static Finding found(Found found) {
        Optional<String> version = LibraryVersion.of(found);
        StringBuilder text = new StringBuilder(version.map(v -> v + ", ").orElse("") + found.file());
        if (found.library() == Library.CUDA) {
            text.append("; driver ").append(CudaDrivers.DRIVER_FLOOR).append(" or newer is wanted");
        }
        found.also().forEach(other -> text.append("\nalso there, not used: ").append(other));
        found.notes().forEach(note -> text.append("\n").append(note));
        Map<String, Object> details = new LinkedHashMap<>();
        details.put("file", found.file().toString());
        details.put("version", version.orElse(null));
        details.put("passed_over", found.also().stream().map(Path::toString).toList());
        return new Finding(found.library().title(), false, text.toString(), details);
    }

    /** What loads and opens is more than what is there. */
    private void open(CudaDevices devices) {
        int gpus = devices.list().size();
        if (wanted >= gpus) {
            findings.add(Finding.problem("GPU", "there is no cuda:" + wanted + ": " + gpus + " found, counted from cuda:0"));
            return;
        }
        try (CudaDevice device = devices.open(new CudaOptions(wanted, false, false))) {
            device.synchronize();
            findings.add(Finding.fact("opened", device.name() + ", driver through " + devices.driver().binding()));
        } catch (BadInput e) {
            findings.add(Finding.problem("cuda:" + wanted, e.getMessage()));
        }
    }

    private static Finding describe(CudaDevices.Gpu gpu) {
        Map<String, Object> details = new LinkedHashMap<>();
        details.put("name", gpu.name());
        details.put("compute_capability", gpu.capability() / 10 + "." + gpu.capability() % 10);
        details.put("memory_bytes", gpu.bytes());
        details.put("pci", gpu.pciBusId());
        String text = String.format(Locale.ROOT, "%s, compute capability %d.%d, %.1f GiB, %s", gpu.name(), gpu.capability() / 10, gpu.capability() % 10,
                gpu.bytes() / 0x1p30, gpu.pciBusId());
        Optional<GpuState> state = state(gpu);
        if (state.isPresent()) {
            GpuState s = state.get();
            text += "; " + s;
            if (s.memoryTotal().isPresent() && s.memoryUsed().isPresent()) {
                details.put("memory_free_bytes", s.memoryTotal().getAsLong() - s.memoryUsed().getAsLong());
            }
            boolean broken = s.lost() || s.eccUncorrected().orElse(0) > 0;
            return new Finding("cuda:" + gpu.ordinal(), broken, broken ? text + ". See nvidia-smi -q -d ECC and dmesg | grep -i xid; reset or replace the card"
                    : text, details);
        }
        return new Finding("cuda:" + gpu.ordinal(), false, text, details);
    }

    private static Optional<GpuState> state(CudaDevices.Gpu gpu) {
        try (Nvml nvml = new Nvml()) {
            return Optional.of(nvml.state(gpu.pciBusId()));
        } catch (BadInput | CudaException e) { // said where libraries are listed
            return Optional.empty();
        }
    }
}
