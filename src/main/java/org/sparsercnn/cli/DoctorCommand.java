package org.sparsercnn.cli;

import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.sparsercnn.app.Doctor;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code doctor}: what this machine offers, and what is wrong with it. */
@Command(name = "doctor", description = "Check the machine: JVM, CPU, GPUs, native libraries.")
final class DoctorCommand implements Callable<Integer> {
    @Option(names = "--device", paramLabel = "DEVICE", defaultValue = "auto", description = "With cuda or cuda:N it is a problem when that GPU cannot be used.")
    private String device;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the report as JSON.")
    private Path json;

    @Override
    public Integer call() {
        return Doctor.run(new Doctor.Options(device, Optional.ofNullable(json)), System.out) ? Main.OK : Main.BAD_INPUT;
    }
}
