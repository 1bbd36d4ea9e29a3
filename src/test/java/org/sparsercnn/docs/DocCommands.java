package org.sparsercnn.docs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** The shell's simple commands on a page: those of its {@code sh} fences, continued lines joined, comments left out, cut at && and pipes. */
public final class DocCommands {
    private static final Pattern WORD = Pattern.compile("(?:[^\\s'\"]|'[^']*'|\"[^\"]*\")+");

    private DocCommands() {}

    /** A command as it is written, quotes and all, and the line of the page on which it begins, from 1. */
    public record Command(Path page, int line, List<String> written) {
        /** The words as the program gets them. */
        public List<String> words() {
            return written.stream().map(word -> word.matches("\".*\"|'.*'") ? word.substring(1, word.length() - 1) : word).toList();
        }

        public String text() {
            return String.join(" ", written);
        }
    }

    public static List<Command> on(Path page) {
        List<Command> commands = new ArrayList<>();
        boolean inside = false;
        StringBuilder joined = new StringBuilder();
        int begin = 0;
        List<String> lines = lines(page);
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (line.startsWith("```")) {
                inside = line.equals("```sh");
            } else if (inside) {
                if (joined.isEmpty()) begin = i + 1;
                boolean goesOn = line.endsWith("\\");
                joined.append(goesOn ? line.substring(0, line.length() - 1) : line).append(' ');
                if (!goesOn) {
                    cut(page, begin, joined.toString(), commands);
                    joined.setLength(0);
                }
            }
        }
        return commands;
    }

    private static void cut(Path page, int line, String text, List<Command> into) {
        List<String> words = new ArrayList<>();
        for (String word : WORD.matcher(text.replaceAll("(^|\\s)#.*", "")).results().map(m -> m.group()).toList()) {
            if (word.equals("&&") || word.equals("|")) {
                into.add(new Command(page, line, List.copyOf(words)));
                words.clear();
            } else {
                words.add(word);
            }
        }
        if (!words.isEmpty()) into.add(new Command(page, line, List.copyOf(words)));
    }

    private static List<String> lines(Path page) {
        try {
            return Files.readAllLines(page);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
