package org.sparsercnn.app;

import java.util.Optional;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.util.BadInput;

/** Which device a run uses, and how many threads of it. */
public final class Devices {
    /**
     * @param device {@code auto}, {@code cpu}, {@code cuda} or {@code cuda:N}; empty: as the config says, else {@code auto}
     * @param threads CPU threads; empty: all the process may use
     */
    public record Choice(Optional<String> device, Optional<Integer> threads) {
        public static final Choice AUTO = new Choice(Optional.empty(), Optional.empty());
    }

    private Devices() {}

    /** Opens device {@code index} of {@code count} in-process replicas, which share the threads. */
    public static Device open(Choice choice, Config config, int index, int count) {
        String name = name(choice, config);
        if (!name.equals("cpu")) {
            throw BadInput.of("device '%s': this version runs on the CPU only; use --device cpu", name);
        }
        int available = Runtime.getRuntime().availableProcessors();
        int threads = choice.threads.orElse(available);
        if (threads < 1) {
            throw BadInput.of("--threads %d: at least 1", threads);
        }
        int share = Math.max(1, threads / count);
        // Pinning more threads than there are CPUs would stack them.
        return new CpuDevice(share, threads <= available ? index * share : -1);
    }

    /** cpu, or what was asked for that is not. */
    static String name(Choice choice, Config config) {
        String asked = choice.device.orElseGet(() -> config.isSet("MODEL.DEVICE") ? config.model().device() : "auto");
        if (asked.equals("auto")) {
            return "cpu";
        }
        if (!asked.matches("cpu|cuda(:\\d+)?")) {
            throw BadInput.of("device '%s'; one of cpu, cuda, cuda:N, auto", asked);
        }
        return asked;
    }
}
