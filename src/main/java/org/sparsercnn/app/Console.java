package org.sparsercnn.app;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.ConsoleAppender;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.LoggerFactory;

/** The log on the screen. */
final class Console {
    private Console() {}

    /** From now on nothing of the log goes there: another process of the run speaks to people. */
    static void mute() {
        Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        List<Appender<ILoggingEvent>> all = new ArrayList<>();
        root.iteratorForAppenders().forEachRemaining(all::add);
        all.stream().filter(appender -> appender instanceof ConsoleAppender).forEach(root::detachAppender);
    }
}
