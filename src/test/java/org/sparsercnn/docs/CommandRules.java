package org.sparsercnn.docs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The table of what is changed of a command of the pages before it is run, and of those that are not run; its head explains it. */
final class CommandRules {
    private static final Path TABLE = Path.of("src/test/resources/docs/commands.txt");
    private static final Pattern ROW = Pattern.compile("(set|add|replace|shell|skip|needs|ends) +(.+?)(?: +=> *(.*))?");

    private final List<Rule> rules = new ArrayList<>();

    private record Rule(String kind, Pattern pattern, String value) {}

    /** What becomes of a command: a line for the shell, or the reason why it is not run. */
    sealed interface Fate {
        /** {@code code} is the exit code that is wanted. */
        record Run(String shell, int code) implements Fate {}

        record Skip(String reason) implements Fate {}

        record Unknown() implements Fate {}
    }

    static CommandRules read() {
        CommandRules read = new CommandRules();
        Map<String, String> names = new HashMap<>();
        try {
            for (String line : Files.readAllLines(TABLE)) {
                if (line.isBlank() || line.startsWith("#")) continue;
                Matcher row = ROW.matcher(line.strip());
                if (!row.matches()) throw new AssertionError(TABLE + ": not a row: " + line);
                String value = row.group(3) == null ? "" : row.group(3);
                for (Map.Entry<String, String> name : names.entrySet()) value = value.replace("$" + name.getKey(), name.getValue());
                if (row.group(1).equals("set")) names.put(row.group(2), value);
                else read.rules.add(new Rule(row.group(1), Pattern.compile(row.group(2)), value));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return read;
    }

    Fate of(String command) {
        boolean known = command.matches("java -jar target/sparse-rcnn\\.jar .*");
        String shell = command;
        int code = 0;
        for (Rule rule : rules) {
            if (!rule.pattern.matcher(shell).find()) continue;
            switch (rule.kind) {
                case "skip" -> {
                    return new Fate.Skip(rule.value);
                }
                case "needs" -> {
                    if (!isInstalled(rule.value)) return new Fate.Skip(rule.value + " is not installed");
                }
                case "shell" -> known = true;
                case "ends" -> code = Integer.parseInt(rule.value);
                case "add" -> shell = shell + " " + rule.value;
                default -> shell = rule.pattern.matcher(shell).replaceAll(rule.value);
            }
        }
        return known ? new Fate.Run(shell, code) : new Fate.Unknown();
    }

    private static boolean isInstalled(String program) {
        return Stream.of(System.getenv("PATH").split(":")).anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }
}
