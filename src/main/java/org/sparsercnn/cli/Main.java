package org.sparsercnn.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;

/** The program's entry: arguments in, exit code out. */
@Command(name = "sparse-rcnn", mixinStandardHelpOptions = true, versionProvider = Main.Version.class,
        description = "Sparse R-CNN: trains, evaluates and draws.")
public final class Main implements Runnable {
    /** From the jar's manifest. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {"sparse-rcnn " + (version == null ? "(from a folder of classes)" : version)};
        }
    }

    public static void main(String[] args) {
        System.exit(new CommandLine(new Main()).execute(args));
    }

    @Override
    public void run() {
        CommandLine.usage(this, System.out);
    }
}
