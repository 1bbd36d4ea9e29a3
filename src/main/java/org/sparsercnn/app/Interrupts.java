package org.sparsercnn.app;

import java.lang.reflect.Proxy;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The wish to stop a run: SIGINT (Ctrl-C), SIGTERM or SIGHUP. The first one lets what has begun be finished, in a training the step
 * and the saving of the run; the second one ends the program at once.
 *
 * <p>A shutdown hook would do without reflection, but then the JVM goes down while the run is saved: its exit code is fixed and a
 * failure to save could not be told.
 */
public final class Interrupts implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");
    private static final List<String> SIGNALS = List.of("INT", "TERM", "HUP");
    private static final int SIGNAL_EXIT = 128;

    private final boolean ofProcess;
    private final Runnable first;
    private final Map<Object, Object> handlersBefore = new LinkedHashMap<>();
    private volatile int number;

    private Interrupts(boolean ofProcess, Runnable first) {
        this.ofProcess = ofProcess;
        this.first = first;
    }

    /**
     * Those of the process's signals, for a training.
     *
     * @param shared whether other processes train too: what kills one of them may signal the others, so nothing is announced that is
     *     not certain yet
     */
    static Interrupts ofTraining(boolean shared) {
        return ofProcess(shared ? () -> {} : Interrupts::announce);
    }

    /** @param first done at the first signal, by a thread of the JVM's */
    public static Interrupts ofProcess(Runnable first) {
        return new Interrupts(true, first);
    }

    /** {@link #request} alone asks to stop. */
    static Interrupts byRequest() {
        return new Interrupts(false, Interrupts::announce);
    }

    private static void announce() {
        LOG.warn("Interrupted: finishing the step, then saving. Once more ends the program at once, without saving.");
    }

    /** From now on until {@link #close} signals ask; before, they end the program as ever: there is nothing to save yet. */
    public void listen() {
        if (ofProcess) {
            SIGNALS.forEach(this::listen);
        }
    }

    public boolean requested() {
        return number != 0;
    }

    /** Its number; 0 for none. */
    int signal() {
        return number;
    }

    /** Another rank of the run was asked to stop, and this one has done so, too. */
    void follow(int signal) {
        number = number == 0 ? signal : number;
    }

    /** 128 + the signal's number, as shells have it: 130 after SIGINT, 143 after SIGTERM. */
    public int exitCode() {
        return SIGNAL_EXIT + number;
    }

    /** @param signal its number */
    void request(int signal) {
        if (requested()) {
            Runtime.getRuntime().halt(SIGNAL_EXIT + signal);
        }
        number = signal;
        first.run();
    }

    /** Through reflection, because javac warns of sun.misc.Signal and cannot be told not to. */
    private void listen(String name) {
        try {
            Class<?> signalType = Class.forName("sun.misc.Signal");
            Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
            Object signal = signalType.getConstructor(String.class).newInstance(name);
            int signalNumber = (int) signalType.getMethod("getNumber").invoke(signal);
            Object handler = Proxy.newProxyInstance(handlerType.getClassLoader(), new Class<?>[] {handlerType}, (proxy, method, args) ->
                    switch (method.getName()) {
                        case "handle" -> {
                            request(signalNumber);
                            yield null;
                        }
                        case "equals" -> proxy == args[0];
                        case "hashCode" -> System.identityHashCode(proxy);
                        default -> "stops the run after SIG" + name;
                    });
            handlersBefore.put(signal, signalType.getMethod("handle", signalType, handlerType).invoke(null, signal, handler));
        } catch (ReflectiveOperationException e) {
            LOG.debug("SIG{} ends the program at once: this JVM keeps it to itself (-Xrs)", name, e);
        }
    }

    @Override
    public void close() {
        handlersBefore.forEach((signal, handler) -> {
            try {
                signal.getClass().getMethod("handle", signal.getClass(), Class.forName("sun.misc.SignalHandler")).invoke(null, signal, handler);
            } catch (ReflectiveOperationException e) {
                LOG.debug("{} keeps its handler", signal, e);
            }
        });
        handlersBefore.clear();
    }
}
