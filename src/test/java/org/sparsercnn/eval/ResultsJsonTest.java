package org.sparsercnn.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparsercnn.util.BadInput;

class ResultsJsonTest {
    @TempDir
    Path folder;

    @Test
    void everyDigitSurvives() throws IOException {
        Detections detections = new Detections(new long[] {397133, 1L << 40}, new long[] {90, 1},
                new double[] {0.1f, -2.5, 1.0 / 3, 4, 1e-12, 5, 6, 7}, new double[] {0.12345678901234567, 1});
        Path file = folder.resolve("inference/" + ResultsJson.FILE_NAME);
        ResultsJson.write(file, detections);
        assertThat(Files.readString(file)).startsWith("[{\"image_id\":397133,\"category_id\":90,\"bbox\":[0.10000000149011612,-2.5,");
        Detections again = ResultsJson.read(file);
        assertThat(again.imageIds()).containsExactly(detections.imageIds());
        assertThat(again.categoryIds()).containsExactly(detections.categoryIds());
        assertThat(again.boxesXywhPx()).containsExactly(detections.boxesXywhPx());
        assertThat(again.scores()).containsExactly(detections.scores());
    }

    @Test
    void noDetectionsAreAList() throws IOException {
        Path file = folder.resolve("none.json");
        ResultsJson.write(file, new DetectionCollector().detections());
        assertThat(Files.readString(file)).isEqualTo("[]");
        assertThat(ResultsJson.read(file).count()).isZero();
    }

    @Test
    void furtherKeysArePassedOver() throws IOException {
        Path file = Files.writeString(folder.resolve("dt.json"), """
                [{"segmentation": {"size": [1, 2], "counts": "abc"}, "score": 1, "bbox": [1, 2, 3, 4], "category_id": 1, "image_id": 2}]""");
        assertThat(ResultsJson.read(file).boxesXywhPx()).containsExactly(1, 2, 3, 4);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {'images': []}                                                         | it looks like an annotation file
            [{'image_id': 1, 'category_id': 1, 'bbox': [1, 2, 3, 4]}]              | at /0: this detection has no "score"
            [{'image_id': 1, 'category_id': 1, 'score': 1}]                        | this detection has no "bbox"
            [{'image_id': 1, 'bbox': [1, 2, 3, 4], 'score': 1}]                    | this detection has no "category_id"
            [{'image_id': 1, 'category_id': 1, 'bbox': [1, NaN, 3, 4], 'score': 1}] | of image 1 has a box or score that is not a finite number
            [{'image_id': 'x', 'category_id': 1}]                                  | at /0/image_id: an integer was expected, found "x"
            [{'image_id': 1, 'category_id': 1, 'bbox': [1, 2                       | broken or truncated JSON
            [[1, 2]]                                                               | an object {…} was expected, found an array
            """)
    void whatIsNoResultsFileIsRefusedWithTheReason(String document, String reason) throws IOException {
        Path file = Files.writeString(folder.resolve("dt.json"), document.replace('\'', '"'));
        assertThatThrownBy(() -> ResultsJson.read(file)).isInstanceOf(BadInput.class).hasMessageContaining("dt.json")
                .hasMessageContaining(reason);
    }
}
