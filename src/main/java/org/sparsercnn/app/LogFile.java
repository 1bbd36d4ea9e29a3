package org.sparsercnn.app;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.core.FileAppender;
import java.nio.file.Path;
import org.slf4j.LoggerFactory;

/** A file that gets every line of the log while it is open, after those of earlier runs. */
final class LogFile implements AutoCloseable {
    /** detectron2's form for files: {@code [11/23 21:08:44] train INFO: message}. */
    private static final String LINE = "[%d{MM/dd HH:mm:ss}] %logger{0} %replace(%level){'^WARN$', 'WARNING'}: %msg%n";

    private final Logger root;
    private final FileAppender<ILoggingEvent> appender = new FileAppender<>();

    private LogFile(Path file) {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        PatternLayoutEncoder encoder = new PatternLayoutEncoder();
        encoder.setContext(context);
        encoder.setPattern(LINE);
        encoder.start();
        appender.setContext(context);
        appender.setName(file.toString());
        appender.setFile(file.toString());
        appender.setEncoder(encoder);
        appender.start();
        root.addAppender(appender);
    }

    static LogFile open(Path file) {
        return new LogFile(file);
    }

    /** A failure, with its stack: to this file alone. */
    void error(Throwable failure) {
        appender.doAppend(new LoggingEvent(LogFile.class.getName(), root, Level.ERROR, String.valueOf(failure.getMessage()), failure, null));
    }

    @Override
    public void close() {
        root.detachAppender(appender);
        appender.stop();
    }
}
