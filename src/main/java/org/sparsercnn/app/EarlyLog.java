package org.sparsercnn.app;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.read.CyclicBufferAppender;
import org.slf4j.LoggerFactory;

/**
 * Keeps what a command logs until it knows its OUTPUT_DIR: reading a config already says things that belong into the
 * {@link LogFile}, which takes them over.
 */
public final class EarlyLog {
    private static final String NAME = "early";

    private EarlyLog() {}

    /** Keeps lines from now on, the last 512, until they are taken. */
    public static void begin() {
        Logger root = root();
        root.detachAppender(NAME); // of a command before, which opened no file
        CyclicBufferAppender<ILoggingEvent> lines = new CyclicBufferAppender<>();
        lines.setContext((LoggerContext) LoggerFactory.getILoggerFactory());
        lines.setName(NAME);
        lines.start();
        root.addAppender(lines);
    }

    private static Logger root() {
        return (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    }

    /** Hands over what was kept and keeps no more. */
    static void moveTo(Appender<ILoggingEvent> target) {
        if (root().getAppender(NAME) instanceof CyclicBufferAppender<ILoggingEvent> lines) {
            root().detachAppender(lines);
            for (int i = 0; i < lines.getLength(); i++) {
                target.doAppend(lines.get(i));
            }
        }
    }
}
