package org.sparsercnn.cli;

import java.util.concurrent.Callable;
import org.sparsercnn.app.Doctor;
import picocli.CommandLine.Command;

/** {@code doctor}: what this machine offers, and what is wrong with it. */
@Command(name = "doctor", description = "Check the machine: JVM, CPU, native libraries.")
final class DoctorCommand implements Callable<Integer> {
    @Override
    public Integer call() {
        return Doctor.run(System.out) ? Main.OK : Main.BAD_INPUT;
    }
}
