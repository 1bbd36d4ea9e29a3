package org.sparsercnn.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.stream.Collectors;
import org.sparsercnn.ffi.cuda.CudaLibraries.Found;

/** What a library says of its own version, which its file's name need not tell. */
public final class LibraryVersion {
    private static final int PARTS = 3;

    private LibraryVersion() {}

    /** For people: "13.1.1"; of the driver, the newest CUDA it supports. Empty where the library does not tell. */
    public static Optional<String> of(Found library) {
        try {
            return switch (library.library()) {
                case CUDA -> Optional.of(outputs(library, "cuDriverGetVersion", 1).getFirst()).map(v -> "CUDA " + v / 1000 + "." + v % 1000 / 10);
                case NVML -> Optional.of(driver());
                case CUBLAS_LT -> Optional.of(parts(result(library, "cublasLtGetVersion")));
                case CUBLAS -> Optional.of(property(library));
                case CUDNN -> Optional.of(parts(result(library, "cudnnGetVersion")));
                case NVRTC -> Optional.of(outputs(library, "nvrtcVersion", 2).stream().map(String::valueOf).collect(Collectors.joining(".")));
                case NCCL -> Optional.of(parts(outputs(library, "ncclGetVersion", 1).getFirst()));
            };
        } catch (NoSuchElementException | CudaException e) {
            return Optional.empty();
        }
    }

    private static String driver() {
        try (Nvml nvml = new Nvml()) {
            return "driver " + nvml.driverVersion();
        }
    }

    /** 130101 is 13.1.1. */
    private static String parts(int version) {
        return version / 10_000 + "." + version / 100 % 100 + "." + version % 100;
    }

    private static int result(Found library, String function) {
        return NativeCall.of(library.symbols(), function, 0).status();
    }

    /** What a function writes through so many pointers to int. */
    private static List<Integer> outputs(Found library, String function, int count) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_INT, 2);
            NativeCall call = NativeCall.of(library.symbols(), function, count);
            int status = count == 1 ? call.status(out.address()) : call.status(out.address(), out.address() + JAVA_INT.byteSize());
            if (status != 0) throw new NoSuchElementException(function + " failed: " + status);
            return count == 1 ? List.of(out.get(JAVA_INT, 0)) : List.of(out.get(JAVA_INT, 0), out.get(JAVA_INT, JAVA_INT.byteSize()));
        }
    }

    /** cuBLAS tells major, minor and patch level one by one, and needs no handle for it. */
    private static String property(Found library) {
        NativeCall call = NativeCall.of(library.symbols(), "cublasGetProperty", 2);
        List<String> numbers = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_INT);
            for (int part = 0; part < PARTS; part++) {
                if (call.status(part, out.address()) != 0) throw new NoSuchElementException("cublasGetProperty " + part);
                numbers.add(String.valueOf(out.get(JAVA_INT, 0)));
            }
        }
        return String.join(".", numbers);
    }
}
