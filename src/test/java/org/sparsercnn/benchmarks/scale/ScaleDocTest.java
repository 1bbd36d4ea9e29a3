package org.sparsercnn.benchmarks.scale;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.Json;
import picocli.CommandLine;

/** The tables of docs/scale.md are what the command above each prints. */
class ScaleDocTest {
    private static final Path PAGE = Path.of("docs/scale.md");
    private static final Pattern TABLE = Pattern.compile("(```sh\\njava --enable-native-access=ALL-UNNAMED"
            + " -cp target/benchmarks\\.jar org\\.sparsercnn\\.benchmarks\\.scale\\.Scaling([^`]*)\\n```\\n\\n)((?:\\|.*\\n)*)");

    private static final Pattern WORD = Pattern.compile("\\S+");

    @TempDir Path folder;

    private record Ended(int code, String output, String errors) {}

    private static Ended run(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command = Scaling.command().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        return new Ended(command.execute(arguments), out.toString(), err.toString());
    }

    @Test
    void tablesAreWhatTheirCommandsPrint() throws IOException {
        String page = Files.readString(PAGE);
        Matcher tables = TABLE.matcher(page);
        StringBuilder made = new StringBuilder();
        int count = 0;
        for (; tables.find(); count++) {
            Ended ended = run(WORD.matcher(tables.group(2).replace("\\\n", " ")).results().map(MatchResult::group).toArray(String[]::new));
            assertThat(ended.code()).as("%s: %s", tables.group(2), ended.errors()).isZero();
            tables.appendReplacement(made, Matcher.quoteReplacement(tables.group(1) + ended.output()));
        }
        tables.appendTail(made);
        assertThat(count).isGreaterThan(5);
        if ("write".equals(System.getProperty("sparsercnn.docs"))) {
            AtomicFiles.write(PAGE, file -> file.write(made.toString().getBytes(StandardCharsets.UTF_8)));
            page = made.toString();
        }
        assertThat(page).as(PAGE + " is out of date; write it again: mvn test -Dtest=ScaleDocTest -Dsparsercnn.docs=write").isEqualTo(made.toString());
    }

    /** What benchmarks/scale/two-processes.sh asks for. */
    @Test
    void twoProcessesFromMeasurements() {
        Path json = folder.resolve("two.json");
        Ended ended = run("--config-file", "configs/quickstart.yaml", "--size", "128x128", "--gpus", "1,2", "--batch", "8", "--step-seconds", "0.5",
                "--points", "4096:5e-6,1e6:1.8e-4,1e8:0.051", "--jitter", "0", "--json", json.toString(), "SOLVER.IMS_PER_BATCH", "8");
        assertThat(ended.errors()).isEmpty();
        var report = Json.read(json, JsonNode.class);
        double bytes = 4.0 * report.get("trained_parameters").asLong();
        double sum = 1.8e-4 + (bytes - 1e6) / 99e6 * (0.051 - 1.8e-4); // one bucket: 25 MB and more than its 8.3
        assertThat(report.at("/steps/1/step_s_without_overlap").asDouble()).isEqualTo(0.5);
        assertThat(report.at("/steps/2/step_s_without_overlap").asDouble()).isCloseTo(0.5 + sum, within(1e-9));
    }

    @Test
    void whatCannotBeIsRefused() {
        for (List<String> wrong : List.of(List.of("--size", "800"), List.of("--size", "800x1333"), List.of("--batch", "0"),
                List.of("--points", "4096"), List.of("--jitter", "-1"),
                List.of("--peaks", "benchmarks/results/amd-epyc-2-cpus-serve-2026-11-28.json", "--table", "memory"),
                List.of("SOLVER.NO_SUCH_KEY", "1"))) {
            Ended ended = run(wrong.toArray(String[]::new));
            assertThat(ended.code()).as("%s", wrong).isEqualTo(2);
            assertThat(ended.errors()).as("%s", wrong).contains(wrong.getFirst());
        }
    }
}
