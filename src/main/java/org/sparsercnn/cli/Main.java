package org.sparsercnn.cli;

import org.slf4j.LoggerFactory;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.GuardStop;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;

/** The program's entry: arguments in, exit code out. */
@Command(name = "sparse-rcnn", mixinStandardHelpOptions = true, versionProvider = Main.Version.class, scope = ScopeType.INHERIT,
        description = "Sparse R-CNN: trains, evaluates and draws. Config files, data sets and checkpoints are detectron2's.",
        subcommands = {TrainCommand.class, EvalCommand.class, DemoCommand.class, CocoEvalCommand.class, ConvertCommand.class,
            QuickstartCommand.class, DoctorCommand.class})
public final class Main implements Runnable {
    /** Exit codes of every command. */
    public static final int OK = 0;
    public static final int DEFECT = 1;
    public static final int BAD_INPUT = 2;
    public static final int GUARD = 3;

    @Option(names = "--debug", scope = ScopeType.INHERIT, description = "Show the stack trace of an error.")
    private boolean debug;

    /** From the jar's manifest. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {"sparse-rcnn " + (version == null ? "(from a folder of classes)" : version)};
        }
    }

    public static void main(String[] args) {
        System.exit(run(args));
    }

    /** Runs a command; returns its exit code. */
    static int run(String... args) {
        System.setProperty("java.awt.headless", "true");
        Main main = new Main();
        return new CommandLine(main).setExecutionExceptionHandler(main::failed).setCaseInsensitiveEnumValuesAllowed(true).execute(args);
    }

    private int failed(Exception e, CommandLine command, ParseResult parsed) {
        boolean ours = !(e instanceof BadInput || e instanceof GuardStop);
        if (ours) {
            command.getErr().println("internal error, please report it: " + e);
        } else {
            command.getErr().println("error: " + e.getMessage());
        }
        if (debug || ours) {
            e.printStackTrace(command.getErr());
        }
        LoggerFactory.getLogger(Main.class).debug("failed", e);
        return switch (e) {
            case BadInput _ -> BAD_INPUT;
            case GuardStop _ -> GUARD;
            default -> DEFECT;
        };
    }

    @Override
    public void run() {
        CommandLine.usage(this, System.out);
    }
}
