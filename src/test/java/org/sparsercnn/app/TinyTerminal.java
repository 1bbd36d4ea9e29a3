package org.sparsercnn.app;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A screen that knows carriage return, line feed and erase-to-end-of-line, and breaks lines that are too long. */
final class TinyTerminal extends OutputStream {
    private final int columns;
    private final List<StringBuilder> lines = new ArrayList<>(List.of(new StringBuilder()));
    private int column;
    private String escape = "";

    TinyTerminal(int columns) {
        this.columns = columns;
    }

    PrintStream stream() {
        return new PrintStream(this, true, StandardCharsets.US_ASCII);
    }

    /** What a person sees, without spaces at the ends of lines. */
    synchronized List<String> seen() {
        return lines.stream().map(line -> line.toString().stripTrailing()).toList();
    }

    @Override
    public synchronized void write(int b) {
        char c = (char) b;
        if (c == '\033' || !escape.isEmpty()) {
            escape += c;
            if (escape.equals("\033[K")) {
                lines.getLast().setLength(Math.min(column, lines.getLast().length()));
                escape = "";
            } else if (!"\033[K".startsWith(escape)) {
                throw new AssertionError("unknown sequence " + escape.substring(1));
            }
        } else if (c == '\r') {
            column = 0;
        } else if (c == '\n') {
            lines.add(new StringBuilder());
            column = 0;
        } else {
            if (column == columns) {
                lines.add(new StringBuilder());
                column = 0;
            }
            StringBuilder line = lines.getLast();
            if (column < line.length()) {
                line.setCharAt(column, c);
            } else {
                line.append(c);
            }
            column++;
        }
    }
}
