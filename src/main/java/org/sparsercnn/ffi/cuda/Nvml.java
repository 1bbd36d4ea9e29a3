package org.sparsercnn.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.sparsercnn.ffi.cuda.CudaLibraries.Library;
import org.sparsercnn.util.BadInput;

/** NVIDIA's management library: how a GPU fares. It comes with the driver. For one thread at a time. */
public final class Nvml implements AutoCloseable {
    private static final int GPU_IS_LOST = 15;
    private static final int RESET_REQUIRED = 16;
    private static final int CLOCK_SM = 1;
    private static final int CLOCK_MEMORY = 2;
    private static final int TEMPERATURE_GPU = 0;
    private static final int UNCORRECTED = 1;
    private static final int SINCE_DRIVER_LOADED = 0;

    private final SymbolLookup library;
    private final Map<String, NativeCall> calls = new HashMap<>();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment answer = arena.allocate(96, 8);

    /**
     * @throws BadInput where the library is missing
     * @throws CudaException where it does not start, for example without the driver's kernel module
     */
    public Nvml() {
        library = CudaLibraries.ofThisMachine().require(Library.NVML).symbols();
        check("nvmlInit_v2", call("nvmlInit_v2", 0).status());
    }

    private NativeCall call(String name, int arguments) {
        return calls.computeIfAbsent(name, _ -> NativeCall.of(library, name, arguments));
    }

    private void check(String call, int status) {
        if (status != 0) throw new CudaException("NVML", call, status, "error " + status, words(status));
    }

    private String words(int status) {
        try {
            var text = (MemorySegment) Linker.nativeLinker().downcallHandle(library.findOrThrow("nvmlErrorString"),
                    FunctionDescriptor.of(ValueLayout.ADDRESS, JAVA_INT)).invokeExact(status);
            return text.reinterpret(Long.MAX_VALUE).getString(0);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** "580.65.06" */
    public String driverVersion() {
        check("nvmlSystemGetDriverVersion", call("nvmlSystemGetDriverVersion", 2).status(answer.address(), answer.byteSize()));
        return answer.getString(0);
    }

    /**
     * @param pciBusId as {@link CudaDriver#devicePciBusId} tells it; NVML numbers devices in another order than CUDA
     * @throws CudaException where there is no such device
     */
    public GpuState state(String pciBusId) {
        long device;
        try (Arena name = Arena.ofConfined()) {
            int status = call("nvmlDeviceGetHandleByPciBusId_v2", 2).status(name.allocateFrom(pciBusId).address(), answer.address());
            if (isLost(status)) return new Reading(0, true).state();
            check("nvmlDeviceGetHandleByPciBusId_v2", status);
            device = answer.get(JAVA_LONG, 0);
        }
        return new Reading(device, false).state();
    }

    private static boolean isLost(int status) {
        return status == GPU_IS_LOST || status == RESET_REQUIRED;
    }

    /** One look at a device. */
    private final class Reading {
        private final long device;
        private boolean lost;

        Reading(long device, boolean lost) {
            this.device = device;
            this.lost = lost;
        }

        GpuState state() {
            OptionalInt power = number("nvmlDeviceGetPowerUsage");
            OptionalInt limit = number("nvmlDeviceGetEnforcedPowerLimit");
            OptionalInt sm = number("nvmlDeviceGetClockInfo", CLOCK_SM);
            OptionalInt smMax = number("nvmlDeviceGetMaxClockInfo", CLOCK_SM);
            OptionalInt memory = number("nvmlDeviceGetClockInfo", CLOCK_MEMORY);
            OptionalInt memoryMax = number("nvmlDeviceGetMaxClockInfo", CLOCK_MEMORY);
            OptionalInt celsius = number("nvmlDeviceGetTemperature", TEMPERATURE_GPU);
            // renamed in release 535
            String reasons = library.find("nvmlDeviceGetCurrentClocksEventReasons").isPresent()
                    ? "nvmlDeviceGetCurrentClocksEventReasons" : "nvmlDeviceGetCurrentClocksThrottleReasons";
            long slowed = ask(reasons) ? answer.get(JAVA_LONG, 0) : 0;
            boolean memoryKnown = ask("nvmlDeviceGetMemoryInfo"); // total, free, used
            OptionalLong total = memoryKnown ? OptionalLong.of(answer.get(JAVA_LONG, 0)) : OptionalLong.empty();
            OptionalLong used = memoryKnown ? OptionalLong.of(answer.get(JAVA_LONG, 16)) : OptionalLong.empty();
            OptionalLong ecc = ask("nvmlDeviceGetTotalEccErrors", UNCORRECTED, SINCE_DRIVER_LOADED)
                    ? OptionalLong.of(answer.get(JAVA_LONG, 0)) : OptionalLong.empty();
            return new GpuState(power, limit, sm, smMax, memory, memoryMax, celsius, GpuState.Slowed.ofBits(slowed), used, total, ecc, lost);
        }

        private OptionalInt number(String function, long... kind) {
            return ask(function, kind) ? OptionalInt.of(answer.get(JAVA_INT, 0)) : OptionalInt.empty();
        }

        /** @return whether the device answered; some have no such sensor, and some libraries no such function */
        private boolean ask(String function, long... kind) {
            if (lost || library.find(function).isEmpty()) return false;
            NativeCall call = call(function, 2 + kind.length);
            int status = switch (kind.length) {
                case 0 -> call.status(device, answer.address());
                case 1 -> call.status(device, kind[0], answer.address());
                default -> call.status(device, kind[0], kind[1], answer.address());
            };
            lost = isLost(status);
            return status == 0;
        }
    }

    @Override
    public void close() {
        int _ = call("nvmlShutdown", 0).status(); // a lost card must not hide why
        arena.close();
    }
}
