package org.sparsercnn.cli;

import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.sparsercnn.app.DeviceChoice;
import org.sparsercnn.app.Quickstart;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code quickstart}: the whole road in a few minutes, without any data of one's own. */
@Command(name = "quickstart", description = "Make sample pictures, train a small model on them, evaluate, draw.")
final class QuickstartCommand implements Callable<Integer> {
    @ParentCommand
    private Main main;

    @Option(names = "--minutes", paramLabel = "M", defaultValue = "4", description = "Training time (default ${DEFAULT-VALUE}).")
    private double minutes;

    @Option(names = "--output", paramLabel = "DIR", defaultValue = "output/quickstart", description = "Where everything goes (default ${DEFAULT-VALUE}).")
    private Path output;

    @Option(names = "--device", paramLabel = "DEVICE", description = "cpu, cuda, cuda:N or auto (default).")
    private String device;

    @Option(names = "--threads", paramLabel = "N", description = "CPU threads (default: all).")
    private Integer threads;

    @Override
    public Integer call() {
        return Quickstart.run(main.environment(), output, minutes, new DeviceChoice(Optional.ofNullable(device), Optional.ofNullable(threads)));
    }
}
