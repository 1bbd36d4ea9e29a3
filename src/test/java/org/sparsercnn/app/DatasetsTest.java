package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparsercnn.data.AnnotationAudit;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.data.Dataset;
import org.sparsercnn.data.Draw;
import org.sparsercnn.data.ImageRecord;
import org.sparsercnn.util.BadInput;

class DatasetsTest {
    private static final Dataset SET = new Dataset("mine", "mine.json", List.of(new ImageRecord(42, "a.jpg", Path.of("photos/a.jpg"), 8, 8, new double[0], new int[0],
            new boolean[0], new double[0], new long[0])), CategoryMap.ofCount(1), new AnnotationAudit());

    /** A defect of ours in a worker, too, leads to the image it came with. */
    @Test
    void whatever_goes_wrong_with_an_image_names_it() {
        var failing = Datasets.loading(SET, (_, _) -> {
            throw new ArrayIndexOutOfBoundsException(7);
        });
        assertThatThrownBy(() -> failing.load(new Draw(0, 0))).isInstanceOf(IllegalStateException.class)
                .hasMessageContainingAll("image id 42", "photos/a.jpg", "ArrayIndexOutOfBoundsException");
        var refusing = Datasets.loading(SET, (_, _) -> {
            throw new BadInput("photos/a.jpg: truncated");
        });
        assertThatThrownBy(() -> refusing.load(new Draw(0, 0))).isInstanceOf(BadInput.class).hasMessage("photos/a.jpg: truncated");
    }
}
