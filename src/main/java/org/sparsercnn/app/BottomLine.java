package org.sparsercnn.app;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.function.IntSupplier;

/**
 * The last line of a terminal, kept for a text that changes, while whole lines scroll above it. All that goes to the terminal
 * must come through here, else it lands in the middle of that text.
 */
final class BottomLine {
    private static final String TO_LINE_START = "\r";
    private static final String ERASE_TO_LINE_END = "\033[K";

    private final PrintStream terminal;
    private final IntSupplier columns;
    private String shown = "";

    /** @param columns of the terminal now: its user may change it at any time */
    BottomLine(PrintStream terminal, IntSupplier columns) {
        this.terminal = terminal;
        this.columns = columns;
    }

    /** What fits: the last column stays free, since some terminals break the line when it is written to. */
    int width() {
        return Math.max(0, columns.getAsInt() - 1);
    }

    /** Puts {@code text} in place of what is shown; empty: nothing is. */
    synchronized void show(String text) {
        String line = text.substring(0, Math.min(text.length(), width()));
        if (!line.equals(shown)) {
            shown = line;
            terminal.print(TO_LINE_START + shown + ERASE_TO_LINE_END);
            terminal.flush();
        }
    }

    /** A stream to {@code target}, which ends at the same terminal. Lines go there when they are whole. */
    PrintStream above(PrintStream target) {
        return new PrintStream(new Lines(target), true, target.charset());
    }

    private synchronized void scroll(PrintStream target, byte[] lines) {
        if (!shown.isEmpty()) {
            terminal.print(TO_LINE_START + ERASE_TO_LINE_END);
            terminal.flush(); // target may be the other of two streams to the terminal
        }
        target.writeBytes(lines);
        target.flush();
        if (!shown.isEmpty()) {
            terminal.print(shown);
            terminal.flush();
        }
    }

    private final class Lines extends OutputStream {
        private final PrintStream target;
        private final ByteArrayOutputStream begun = new ByteArrayOutputStream();

        Lines(PrintStream target) {
            this.target = target;
        }

        @Override
        public void write(int b) {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public synchronized void write(byte[] bytes, int offset, int length) {
            int end = offset + length;
            while (end > offset && bytes[end - 1] != '\n') {
                end--;
            }
            begun.write(bytes, offset, end - offset);
            if (end > offset) {
                scroll(target, begun.toByteArray());
                begun.reset();
            }
            begun.write(bytes, end, offset + length - end);
        }

        /** What was begun and not ended is written all the same. */
        @Override
        public synchronized void close() {
            if (begun.size() > 0) {
                scroll(target, begun.toByteArray());
                begun.reset();
            }
        }
    }
}
