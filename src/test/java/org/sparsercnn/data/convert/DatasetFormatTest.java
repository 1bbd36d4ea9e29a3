package org.sparsercnn.data.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.util.BadInput;

class DatasetFormatTest {
    @TempDir
    Path root;

    @Test
    void names_tell_the_format() {
        LabelFolder folder = new LabelFolder(root);
        folder.text("voc/Annotations/a.xml");
        folder.text("labelimg/a.xml");
        folder.text("crowd/annotation_train.odgt");
        folder.text("yolo/labels/a.txt");
        folder.text("flat/classes.txt");
        assertThat(DatasetFormat.detect(root.resolve("voc"))).isEqualTo(DatasetFormat.VOC);
        assertThat(DatasetFormat.detect(root.resolve("labelimg"))).isEqualTo(DatasetFormat.VOC);
        assertThat(DatasetFormat.detect(root.resolve("crowd"))).isEqualTo(DatasetFormat.CROWDHUMAN);
        assertThat(DatasetFormat.detect(root.resolve("crowd/annotation_train.odgt"))).isEqualTo(DatasetFormat.CROWDHUMAN);
        assertThat(DatasetFormat.detect(root.resolve("yolo"))).isEqualTo(DatasetFormat.YOLO);
        assertThat(DatasetFormat.detect(root.resolve("flat"))).isEqualTo(DatasetFormat.YOLO);
        assertThat(DatasetFormat.detect(folder.text("my.yaml"))).isEqualTo(DatasetFormat.YOLO);
        folder.text("voc/data.yaml");
        assertThatThrownBy(() -> DatasetFormat.detect(root.resolve("voc"))).isInstanceOf(BadInput.class).hasMessageContaining("could be voc or yolo; say which with --from");
        assertThatThrownBy(() -> DatasetFormat.detect(root)).as("any .yaml tells nothing").isInstanceOf(BadInput.class);
        assertThatThrownBy(() -> DatasetFormat.detect(folder.text("coco/train.json"))).isInstanceOf(BadInput.class).hasMessageContaining("COCO JSON needs no conversion");
        assertThatThrownBy(() -> DatasetFormat.detect(root.resolve("coco"))).isInstanceOf(BadInput.class).hasMessageContaining("no known data set; wanted is a folder with");
    }
}
