package org.sparsercnn.app;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.core.FileAppender;
import java.nio.file.Path;
import java.time.LocalDate;
import org.slf4j.LoggerFactory;

/** A file that gets every line of the log while it is open, and those of the command from before; after those of earlier runs. */
final class LogFile implements AutoCloseable {
    /** detectron2's form for files: {@code [11/23 21:08:44] train INFO: message}. */
    private static final String LINE = "[%d{MM/dd HH:mm:ss}] %logger{0} %replace(%level){'^WARN$', 'WARNING'}: %msg%n";

    private final Logger root;
    private final Logger logger;
    private final FileAppender<ILoggingEvent> appender = new FileAppender<>();

    private LogFile(Path file) {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        logger = context.getLogger("sparsercnn.run");
        PatternLayoutEncoder encoder = new PatternLayoutEncoder();
        encoder.setContext(context);
        encoder.setPattern(LINE);
        encoder.start();
        appender.setContext(context);
        appender.setName(file.toString());
        appender.setFile(file.toString());
        appender.setEncoder(encoder);
        boolean more = file.toFile().length() > 0;
        appender.start();
        if (more) {
            append(Level.INFO, "=".repeat(30) + " another run in this folder, " + LocalDate.now() + " " + "=".repeat(30), null);
        }
        EarlyLog.moveTo(appender);
        root.addAppender(appender);
    }

    static LogFile open(Path file) {
        return new LogFile(file);
    }

    /** A failure, with its stack: to this file alone. */
    void error(Throwable failure) {
        append(Level.ERROR, String.valueOf(failure.getMessage()), failure);
    }

    /** What would be too much for the screen: to this file alone. */
    void info(String text) {
        append(Level.INFO, text, null);
    }

    private void append(Level level, String text, Throwable failure) {
        appender.doAppend(new LoggingEvent(LogFile.class.getName(), logger, level, text, failure, null));
    }

    @Override
    public void close() {
        root.detachAppender(appender);
        appender.stop();
    }
}
