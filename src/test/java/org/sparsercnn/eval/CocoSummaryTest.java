package org.sparsercnn.eval;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CocoSummaryTest {
    /** Printed by pycocotools for golden/cocoeval/small. */
    private static final String PYCOCOTOOLS = """
             Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.192
             Average Precision  (AP) @[ IoU=0.50      | area=   all | maxDets=100 ] = 0.366
             Average Precision  (AP) @[ IoU=0.75      | area=   all | maxDets=100 ] = 0.161
             Average Precision  (AP) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] = 0.193
             Average Precision  (AP) @[ IoU=0.50:0.95 | area=medium | maxDets=100 ] = 0.390
             Average Precision  (AP) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] = -1.000
             Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=  1 ] = 0.171
             Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets= 10 ] = 0.382
             Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.382
             Average Recall     (AR) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] = 0.265
             Average Recall     (AR) @[ IoU=0.50:0.95 | area=medium | maxDets=100 ] = 0.506
             Average Recall     (AR) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] = -1.000
            """.replaceAll("(?m)^(?=Average)", " ");

    @TempDir
    Path folder;

    private CocoResult small() throws IOException {
        return CocoEvaluation.evaluate(GroundTruth.read(GoldenFiles.file(folder, "small.gt")),
                ResultsJson.read(GoldenFiles.file(folder, "small.dt")));
    }

    @Test
    void theTwelveLinesArePycocotools() throws IOException {
        CocoSummary summary = small().summary();
        assertThat(summary.text()).isEqualTo(PYCOCOTOOLS);
        assertThat(summary.text("n/a")).isEqualTo(PYCOCOTOOLS.replace("-1.000", "n/a"));
    }

    @Test
    void roundingIsThatOfPython() {
        assertThat(CocoSummary.rounded(0.0625, 3)).isEqualTo("0.062"); // an exact tie goes to the even digit
        assertThat(CocoSummary.rounded(0.1875, 3)).isEqualTo("0.188");
        assertThat(CocoSummary.rounded(1, 3)).isEqualTo("1.000");
    }

    @Test
    void tablesAreDetectron2s() throws IOException {
        assertThat(MetricTables.metrics(small())).isEqualTo("""
                |   AP   |  AP50  |  AP75  |  APs   |  APm   |  APl  |
                |:------:|:------:|:------:|:------:|:------:|:-----:|
                | 19.209 | 36.558 | 16.096 | 19.333 | 39.010 |  n/a  |""");
        assertThat(MetricTables.perCategory(small())).isEqualTo("""
                | category   | AP    | category   | AP     | category   | AP     |
                |:-----------|:------|:-----------|:-------|:-----------|:-------|
                | cat1       | 9.637 | cat2       | 25.803 | cat3       | 22.188 |""");
    }

    @Test
    void aRowThatIsNotFullIsPadded() throws IOException {
        CocoResult medium = CocoEvaluation.evaluate(GroundTruth.read(GoldenFiles.file(folder, "medium.gt")),
                ResultsJson.read(GoldenFiles.file(folder, "medium.dt")));
        String[] lines = MetricTables.perCategory(medium).split("\n");
        assertThat(lines).hasSize(2 + (medium.categories().size() + 2) / 3);
        assertThat(lines).allSatisfy(line -> assertThat(line).hasSameSizeAs(lines[0]));
    }
}
