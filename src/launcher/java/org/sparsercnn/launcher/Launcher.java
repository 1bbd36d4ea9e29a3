package org.sparsercnn.launcher;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The main class of the jar, in Java 11 bytecode so that an older {@code java} can start it.
 *
 * <p>On Java 25 and newer it calls the program in this process. On an older one it continues on a newer JDK that it finds
 * (see {@link JavaFinder}): same arguments, same {@code -D} and {@code -X} options, same standard streams. Signals go on to
 * that child, its exit code becomes ours, and it does not outlive us: it watches the process whose id it is given.
 */
public final class Launcher {
    private static final int WANTED = 25;
    private static final int ENVIRONMENT_IS_BAD = 2;

    /** Set in the child only: the id of the process it must not outlive. */
    private static final String PARENT = "sparsercnn.launcher.pid";

    private Launcher() {}

    public static void main(String[] args) throws Throwable {
        if (Runtime.version().feature() >= WANTED) {
            String parent = System.getProperty(PARENT);
            if (parent != null) {
                call("org.sparsercnn.ffi.ParentDeath", "dieWith", long.class, Long.parseLong(parent));
            }
            call("org.sparsercnn.cli.Main", "main", String[].class, args);
        } else {
            System.exit(continueOnNewerJava(args));
        }
    }

    /** By name, because those classes cannot be loaded, nor compiled against, under an older Java. */
    private static void call(String type, String method, Class<?> parameter, Object argument) throws Throwable {
        try {
            Class.forName(type).getMethod(method, parameter).invoke(null, argument);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private static int continueOnNewerJava(String[] args) throws InterruptedException {
        JavaFinder finder = JavaFinder.ofThisMachine();
        StringBuilder failures = new StringBuilder();
        for (Path home : finder.homes(WANTED)) {
            try {
                return follow(new ProcessBuilder(command(home, args)).inheritIO().start());
            } catch (IOException e) { // built for another C library, or damaged: the next may do
                failures.append("\n  ").append(home).append(" cannot be started: ").append(e.getMessage());
            }
        }
        System.err.println("sparse-rcnn needs Java " + WANTED + " or newer; this is Java " + Runtime.version().feature() + " ("
                + System.getProperty("java.home") + "), and no newer one was found." + failures
                + "\nLooked at: " + finder.places()
                + "\nInstall a JDK " + WANTED + " (for example Eclipse Temurin), or set SPARSERCNN_JAVA to the folder of one.");
        return ENVIRONMENT_IS_BAD;
    }

    private static List<String> command(Path home, String[] args) {
        List<String> command = new ArrayList<>();
        command.add(home.resolve("bin").resolve("java").toString());
        command.add("-XX:+IgnoreUnrecognizedVMOptions"); // options that Java dropped since are no reason not to start
        for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            if (option.startsWith("-D") || option.startsWith("-X")) command.add(option);
        }
        command.add("--enable-native-access=ALL-UNNAMED"); // the manifest's line counts with -jar only
        command.add("-D" + PARENT + "=" + ProcessHandle.current().pid());
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add(Launcher.class.getName());
        command.addAll(List.of(args));
        return command;
    }

    /**
     * Waits for the child and returns its exit code. It must be called on the thread that started the child: the kernel
     * counts that thread's end as the parent's death.
     */
    private static int follow(Process child) throws InterruptedException {
        onSignal("TERM", child::destroy);
        onSignal("HUP", () -> send("HUP", child));
        onSignal("INT", () -> {
            if (!inForegroundOfTerminal()) send("INT", child);
        });
        return child.waitFor();
    }

    /** Through reflection, because javac warns of sun.misc.Signal and cannot be told not to. */
    private static void onSignal(String name, Runnable action) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object forward = Proxy.newProxyInstance(handler.getClassLoader(), new Class<?>[] {handler}, (proxy, method, args) -> {
                action.run();
                return null;
            });
            signal.getMethod("handle", signal, handler).invoke(null, signal.getConstructor(String.class).newInstance(name), forward);
        } catch (ReflectiveOperationException e) {
            // This JVM or -Xrs keeps the signal to itself: we die of it, and the child with us.
        }
    }

    private static void send(String signal, Process child) {
        try {
            new ProcessBuilder("sh", "-c", "kill -" + signal + " " + child.pid()).inheritIO().start();
        } catch (IOException e) {
            child.destroy();
        }
    }

    /** Whether Ctrl-C reaches the child by itself: a terminal interrupts every process of its foreground group. */
    private static boolean inForegroundOfTerminal() {
        try {
            String stat = Files.readString(Path.of("/proc/self/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" "); // state ppid pgrp session tty tpgid
            return fields[2].equals(fields[5]);
        } catch (IOException e) {
            return true; // not Linux: only a terminal is likely
        }
    }
}
