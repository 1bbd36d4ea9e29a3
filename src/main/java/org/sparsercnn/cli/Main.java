package org.sparsercnn.cli;

import java.io.PrintWriter;
import org.sparsercnn.app.Environment;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.GuardStop;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The program's entry: arguments in, exit code out. */
@Command(name = "sparse-rcnn", mixinStandardHelpOptions = true, versionProvider = Main.Version.class, scope = ScopeType.INHERIT,
        description = "Sparse R-CNN: trains, evaluates and draws. Config files, data sets and checkpoints are detectron2's.",
        subcommands = {TrainCommand.class, EvalCommand.class, DemoCommand.class, ExplainCommand.class, ServeCommand.class, CocoEvalCommand.class,
            ReportCommand.class, CompareCommand.class, ConvertCommand.class, ConvertDatasetCommand.class,
            QuickstartCommand.class, DoctorCommand.class, SelftestCommand.class, BenchCommand.class})
public final class Main implements Runnable {
    /** Exit codes of every command; a run that a signal ended has 128 + its number. */
    public static final int OK = 0;
    public static final int DEFECT = 1;
    public static final int BAD_INPUT = 2;
    public static final int GUARD = 3;

    @Option(names = "--debug", scope = ScopeType.INHERIT, description = "Show the stack trace of an error.")
    private boolean debug;

    @Spec
    private CommandSpec spec;

    private final Environment environment;

    private Main(Environment environment) {
        this.environment = environment;
    }

    /** From the jar's manifest. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            boolean gpu = Main.class.getResource("/native/linux-x86_64/kernels.fatbin") != null;
            return new String[] {"sparse-rcnn " + (version == null ? "(from a folder of classes)" : version)
                    + (gpu ? "" : ", without GPU kernels (built without nvcc)")};
        }
    }

    public static void main(String[] args) {
        System.exit(run(Environment.ofProcess(), new PrintWriter(System.err, true), args));
    }

    /**
     * Runs a command; returns its exit code.
     *
     * @param err for error messages
     */
    static int run(Environment environment, PrintWriter err, String... args) {
        System.setProperty("java.awt.headless", "true");
        Main main = new Main(environment);
        CommandLine commands = new CommandLine(main).setErr(err).setParameterExceptionHandler(Main::misused)
                .setExecutionExceptionHandler((e, _, _) -> main.failed(e, err)).setCaseInsensitiveEnumValuesAllowed(true);
        try {
            return commands.execute(args);
        } catch (Error e) { // picocli hands on exceptions only
            return main.failed(e, err);
        }
    }

    Environment environment() {
        return environment;
    }

    /** One line for what is wrong with the arguments, one that leads on; picocli's own would print the whole usage. */
    private static int misused(ParameterException e, String[] args) {
        CommandLine command = e.getCommandLine();
        PrintWriter err = command.getErr();
        err.println("error: " + switch (e) {
            case UnmatchedArgumentException u when !u.isUnknownOption() && !command.getSubcommands().isEmpty() -> "there is no command '"
                    + u.getUnmatched().getFirst() + "'; one of " + String.join(", ", command.getSubcommands().keySet());
            default -> e.getMessage().replaceFirst("^Error: ", "");
        });
        if (!UnmatchedArgumentException.printSuggestions(e, err)) {
            err.println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
        }
        return BAD_INPUT;
    }

    private int failed(Throwable e, PrintWriter err) {
        int code = switch (e) {
            case BadInput _, OutOfMemoryError _ -> BAD_INPUT;
            case GuardStop _ -> GUARD;
            default -> DEFECT;
        };
        err.println(switch (e) {
            case OutOfMemoryError _ -> "error: out of memory (" + e.getMessage() + "); use smaller images or batches, or give Java more: java -Xmx…";
            case Throwable _ when code == DEFECT -> "internal error, please report it: " + e;
            default -> "error: " + e.getMessage();
        });
        if (debug || code == DEFECT) {
            e.printStackTrace(err);
        }
        return code;
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing: " + String.join(", ", spec.subcommands().keySet()));
    }
}
