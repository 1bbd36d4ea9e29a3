package org.sparsercnn.cli;

import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.sparsercnn.app.SelfTests;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code selftest}: whether a device computes what it should. */
@Command(name = "selftest", description = "Check a device: every op, recorded models, training, leaks.")
final class SelftestCommand implements Callable<Integer> {
    @Option(names = "--device", paramLabel = "DEVICE", defaultValue = "auto", description = "cpu, cuda, cuda:N or auto (default).")
    private String device;

    @Option(names = "--binding", paramLabel = "NAME", description = "How to reach the CUDA driver: panama (default) or jcuda.")
    private String binding;

    @Option(names = "--only", paramLabel = "PATTERN", description = "Checks in whose title this regular expression is found: ops, products, models, training, soak, 'ops RoiAlign'.")
    private String only;

    @Option(names = "--time-limit", paramLabel = "SECONDS", defaultValue = "3600", description = "Begin no check after so long (default ${DEFAULT-VALUE}); exit code 3 when some were not reached.")
    private double timeLimit;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the report as JSON.")
    private Path json;

    @Override
    public Integer call() {
        return SelfTests.run(new SelfTests.Options(device, Optional.ofNullable(binding), Optional.ofNullable(only), timeLimit,
                Optional.ofNullable(json)));
    }
}
