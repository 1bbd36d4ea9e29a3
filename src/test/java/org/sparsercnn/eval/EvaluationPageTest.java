package org.sparsercnn.eval;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example of docs/evaluation.md: its two JSON texts give the numbers of its table. */
class EvaluationPageTest {
    private static final Pattern JSON = Pattern.compile("(?ms)^```json\\n(.*?)^```$");
    private static final Pattern TABLE = Pattern.compile("(?m)^\\| (AP \\| .*) \\|\\n\\|[-|]+\\|\\n\\| (.*) \\|$");

    @TempDir
    Path folder;

    @Test
    void theExampleHasTheNumbersThatThePageSays() throws IOException {
        String page = Files.readString(Path.of("docs/evaluation.md"));
        List<String> json = JSON.matcher(page).results().map(m -> m.group(1)).toList();
        assertThat(json).hasSize(2);
        GroundTruth truth = GroundTruth.read(Files.writeString(folder.resolve("gt.json"), json.getFirst()));
        Detections detections = ResultsJson.read(Files.writeString(folder.resolve("dt.json"), json.getLast()));
        double[] stats = CocoEvaluation.evaluate(truth, detections).summary().stats();

        MatchResult table = TABLE.matcher(page).results().findFirst().orElseThrow();
        assertThat(cells(table.group(1))).isEqualTo(CocoSummary.NAMES);
        assertThat(cells(table.group(2))).isEqualTo(Arrays.stream(stats)
                .mapToObj(s -> s == PrecisionRecall.UNDEFINED ? MetricTables.UNDEFINED : CocoSummary.rounded(s, 3)).toList());
    }

    private static List<String> cells(String row) {
        return List.of(row.split(" \\| "));
    }
}
