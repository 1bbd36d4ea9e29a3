package org.sparsercnn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparsercnn.util.BadInput;

class DatasetCatalogTest {
    @TempDir
    Path root;

    @Test
    void builtInNamesPointWhereDetectron2Looks() {
        DatasetCatalog catalog = new DatasetCatalog(root, List.of());
        assertThat(catalog.entry("coco_2017_train")).isEqualTo(new DatasetCatalog.Entry("coco_2017_train",
                root.resolve("coco/annotations/instances_train2017.json"), root.resolve("coco/train2017"), Metric.COCO));
        assertThat(catalog.entry("coco_2014_valminusminival").imageRoot()).isEqualTo(root.resolve("coco/val2014"));
        assertThat(catalog.entry("CrowdHuman_val").json()).isEqualTo(root.resolve("crowdhuman/annotations/val.json"));
        assertThat(catalog.entry("coco_2017_test-dev").json()).isEqualTo(root.resolve("coco/annotations/image_info_test-dev2017.json"));
        assertThat(DatasetCatalog.builtInCategories("coco_2017_val")).contains(CategoryMap.coco());
        assertThat(DatasetCatalog.builtInCategories("CrowdHuman_train").orElseThrow().names()).containsExactly("person");
        assertThat(DatasetCatalog.builtInCategories("mine")).isEmpty();
    }

    @Test
    void aDataSetSaysHowItIsScored() {
        DatasetCatalog catalog = new DatasetCatalog(root, List.of(new DatasetCatalog.Entry("crowd", root, root, Metric.of("crowdhuman", "sets.yaml"))));
        assertThat(List.of("CrowdHuman_train", "CrowdHuman_val", "crowd")).allMatch(name -> catalog.entry(name).metric() == Metric.CROWDHUMAN);
        assertThat(List.of("coco_2017_val", "quickstart_val")).allMatch(name -> catalog.entry(name).metric() == Metric.COCO);
        assertThat(Metric.of("COCO", "sets.yaml")).isEqualTo(Metric.COCO);
        assertThatThrownBy(() -> Metric.of("lvis", "sets.yaml")).isInstanceOf(BadInput.class)
                .hasMessage("sets.yaml: there is no evaluator \"lvis\"; one of coco, crowdhuman");
    }

    @Test
    void theFolderComesFromTheEnvironment() {
        assertThat(DatasetCatalog.open(Map.of(), "").entry("coco_2017_val").imageRoot())
                .isEqualTo(Path.of("datasets/coco/val2017"));
        assertThat(DatasetCatalog.open(Map.of("DETECTRON2_DATASETS", "/data"), "").entry("coco_2017_val").imageRoot())
                .isEqualTo(Path.of("/data/coco/val2017"));
        assertThat(DatasetCatalog.open(Map.of("DETECTRON2_DATASETS", "~/d"), "").entry("coco_2017_val").imageRoot())
                .isEqualTo(Path.of(System.getProperty("user.home"), "d/coco/val2017"));
    }

    @Test
    void unknownNamesAndMissingFilesAreExplained() throws IOException {
        DatasetCatalog catalog = new DatasetCatalog(root, List.of());
        assertThatThrownBy(() -> catalog.entry("coco_2018")).isInstanceOf(BadInput.class)
                .hasMessageContaining("\"coco_2018\" is not known").hasMessageContaining("coco_2017_val,");
        assertThatThrownBy(() -> catalog.load("coco_2017_val", false)).isInstanceOf(BadInput.class)
                .hasMessageContaining("instances_val2017.json does not exist").hasMessageContaining("DETECTRON2_DATASETS");
        Files.createDirectories(root.resolve("coco/annotations"));
        Files.writeString(root.resolve("coco/annotations/instances_val2017.json"), "{}");
        assertThatThrownBy(() -> catalog.load("coco_2017_val", false)).isInstanceOf(BadInput.class)
                .hasMessageContaining("image folder").hasMessageContaining("val2017");
        assertThatThrownBy(() -> catalog.load(root + "::" + root, false)).isInstanceOf(BadInput.class)
                .hasMessageContaining(root + " is a folder; its annotation file");
        Path file = root.resolve("coco/annotations/instances_val2017.json");
        assertThatThrownBy(() -> catalog.load(file + "::" + file, false)).isInstanceOf(BadInput.class)
                .hasMessageContaining(file + " is a file; the folder of its images");
    }

    @Test
    void ownDataSetsLoadByName() throws IOException {
        Path json = Files.writeString(root.resolve("mine.json"), """
                {"images": [{"id": 1, "file_name": "a.jpg", "width": 4, "height": 4}], "annotations": [],
                 "categories": [{"id": 0, "name": "thing"}]}""");
        DatasetCatalog catalog = new DatasetCatalog(root, List.of(new DatasetCatalog.Entry("mine", json, root, Metric.COCO)));
        Dataset dataset = catalog.load("mine", true);
        assertThat(dataset.name()).isEqualTo("mine");
        assertThat(dataset.images().getFirst().file()).isEqualTo(root.resolve("a.jpg"));
    }

    @Test
    void aPairOfFileAndFolderNeedsNoName() {
        DatasetCatalog catalog = new DatasetCatalog(root, List.of());
        for (Metric metric : Metric.values()) {
            assertThat(catalog.entry(DatasetCatalog.unnamed(Path.of("a/cells.json"), Path.of("photos"), metric)))
                    .isEqualTo(new DatasetCatalog.Entry("cells", Path.of("a/cells.json"), Path.of("photos"), metric));
        }
        assertThatThrownBy(() -> DatasetCatalog.unnamed(Path.of("a::b.json"), Path.of("photos"), Metric.COCO)).isInstanceOf(BadInput.class)
                .hasMessageContaining("a path with \"::\"");
        assertThatThrownBy(() -> catalog.load("nowhere.json::photos", false)).isInstanceOf(BadInput.class)
                .hasMessageContaining("nowhere.json does not exist; check the path");
    }

    @Test
    void aYamlFileNamesFurtherDataSets() throws IOException {
        Path file = Files.writeString(root.resolve("datasets.yaml"), """
                cells_train: {json_file: cells/train.json, image_root: cells/photos}
                coco_2017_val:            # replaces the built-in one
                  json_file: /data/val.json
                  image_root: /data/val
                  evaluator: crowdhuman
                """);
        for (DatasetCatalog catalog : List.of(DatasetCatalog.open(Map.of("DETECTRON2_DATASETS", root.toString()), ""),
                DatasetCatalog.open(Map.of("DETECTRON2_DATASETS", "/elsewhere"), file.toString()))) {
            assertThat(catalog.entry("cells_train")).isEqualTo(new DatasetCatalog.Entry("cells_train", root.resolve("cells/train.json"),
                    root.resolve("cells/photos"), Metric.COCO));
            assertThat(catalog.entry("coco_2017_val").imageRoot()).isEqualTo(Path.of("/data/val"));
            assertThat(catalog.entry("coco_2017_val").metric()).isEqualTo(Metric.CROWDHUMAN);
            assertThat(catalog.entry("coco_2017_train").metric()).isEqualTo(Metric.COCO); // still there
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"[a, b]|a mapping was expected", "a: 3|data set \"a\" needs json_file and image_root, found 3",
        "a: {json_file: x.json}|data set \"a\": image_root is missing", "a: {json_file: x.json, image_rot: y}|there is no key image_rot; known are",
        "a: {json_file: 7, image_root: y}|json_file is missing",
        "a: {json_file: x, image_root: y, evaluator: voc}|there is no evaluator \"voc\"", "a: [|sets.yaml, line 1: not YAML: ",
        "a: {json_file: x, image_root: y}#a: {json_file: x, image_root: y}|sets.yaml, line 2: not YAML: found duplicate key a"})
    void aCatalogThatCannotBeMeantIsRefused(String text, String message) throws IOException {
        Path file = Files.writeString(root.resolve("sets.yaml"), text.replace('#', '\n'));
        assertThatThrownBy(() -> DatasetCatalog.open(Map.of(), file.toString())).isInstanceOf(BadInput.class)
                .hasMessageContaining("sets.yaml").hasMessageContaining(message);
    }

    @Test
    void aCatalogThatIsMissingIsNamed() {
        assertThatThrownBy(() -> DatasetCatalog.open(Map.of(), root.resolve("none.yaml").toString())).isInstanceOf(BadInput.class)
                .hasMessageContaining("none.yaml").hasMessageContaining("DATASETS.CATALOG");
    }
}
