package org.sparsercnn.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Every command of the pages is run, in page order, in a folder where what they name exists; {@link CommandRules} makes them small. */
class DocsCommandsIT {
    @TempDir
    static Path folder;

    private static DocsPlace place;

    @BeforeAll
    static void prepare() throws IOException {
        place = DocsPlace.in(folder);
    }

    @AfterAll
    static void stop() {
        place.stopServer();
    }

    private static List<Path> pages() throws IOException {
        try (Stream<Path> docs = Files.list(Path.of("docs"))) {
            return Stream.concat(Stream.of("README.md", "CONTRIBUTING.md", "datasets/README.md", "benchmarks/README.md", "kernels/README.md",
                    "native/README.md").map(Path::of), docs.filter(f -> f.toString().endsWith(".md")).sorted()).toList();
        }
    }

    @TestFactory
    Stream<DynamicTest> everyCommandRuns() throws IOException {
        CommandRules rules = CommandRules.read();
        return pages().stream().flatMap(page -> DocCommands.on(page).stream()).map(command ->
                DynamicTest.dynamicTest(command.page() + ":" + command.line() + ": " + command.text(), () -> run(command, rules)));
    }

    private static void run(DocCommands.Command command, CommandRules rules) {
        String where = command.page() + ":" + command.line() + ": " + command.text();
        switch (rules.of(command.text())) {
            case CommandRules.Fate.Skip(String reason) -> Assumptions.abort(reason);
            case CommandRules.Fate.Unknown() -> fail(where + "\nis not of this program; say in src/test/resources/docs/commands.txt what becomes of it");
            case CommandRules.Fate.Run(String shell, int code) -> {
                DocsPlace.Ended ended = place.run(command.page(), shell);
                assertThat(ended.code()).as("%s%nran as: %s%nand ended with exit code %d:%n%s", where, shell, ended.code(), ended.output()).isEqualTo(code);
            }
        }
    }
}
