package org.sparsercnn.cli;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.sparsercnn.dist.Launch;
import org.sparsercnn.util.BadInput;
import picocli.CommandLine.Option;

/** Options of commands that several devices may share: detectron2's, and a timeout. */
final class LaunchOptions {
    private static final int LONGEST_TIMEOUT = 86_400;

    @Option(names = "--num-gpus", paramLabel = "N", description = "Replicas on each machine, one a GPU (default 1); with --device cpu they share the CPU.")
    private Integer gpus;

    @Option(names = "--num-machines", paramLabel = "N", defaultValue = "1", description = "Machines, each with --num-gpus GPUs (default 1).")
    private int machines;

    @Option(names = "--machine-rank", paramLabel = "R", defaultValue = "0", description = "Which of them this is, from 0.")
    private int machine;

    @Option(names = "--dist-url", paramLabel = "URL", defaultValue = Launch.Options.AUTO,
            description = "Where rank 0 waits for the others: tcp://HOST:PORT of its machine (default: as mpirun, srun or torchrun say).")
    private String url;

    @Option(names = "--dist-timeout", paramLabel = "SECONDS", defaultValue = "60",
            description = "A rank that gives no sign of life, or keeps the others waiting, for so long ends the run (default 60).")
    private int timeout;

    Launch launch(Map<String, String> variables) {
        return Launch.of(new Launch.Options(Optional.ofNullable(gpus), machines, machine, url), variables);
    }

    Duration timeout() {
        if (timeout < 1 || timeout > LONGEST_TIMEOUT) {
            throw BadInput.of("--dist-timeout %d: 1 to %d seconds", timeout, LONGEST_TIMEOUT);
        }
        return Duration.ofSeconds(timeout);
    }
}
