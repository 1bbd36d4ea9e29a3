package org.sparsercnn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.data.AnnotationAudit.Finding;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.CounterRandom;

class DatasetTest {
    @TempDir
    Path folder;

    @Test
    void imagesAreMadeWhenAskedForAndEqualEachTime() throws IOException {
        Dataset dataset = read("a", "{'id': 1, 'name': 'cat'}", 1);
        ImageRecord once = dataset.images().get(0);
        ImageRecord again = dataset.images().get(0);
        assertThat(again).isNotSameAs(once).usingRecursiveComparison().isEqualTo(once);
        assertThat(once.boxesXywhPx()).containsExactly(1, 1, 8, 8); // clipped each time anew
        assertThat(dataset.audit().ids(Finding.OVERHANGING).count()).isEqualTo(1); // and counted once
        assertThatThrownBy(() -> dataset.images().get(2)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void setsJoinByTheNamesOfTheirClasses() throws IOException {
        Dataset a = read("a", "{'id': 1, 'name': 'cat'}, {'id': 2, 'name': 'dog'}", 1);
        Dataset b = read("b", "{'id': 4, 'name': 'dog'}, {'id': 9, 'name': 'cat'}", 9);
        Dataset joined = Dataset.concat(List.of(a, b));
        assertThat(joined.size()).isEqualTo(4);
        assertThat(joined.name()).isEqualTo("a+b");
        assertThat(joined.categories()).isEqualTo(a.categories());
        assertThat(b.images().get(0).classes()).containsExactly(1);
        assertThat(joined.images().get(2).classes()).containsExactly(0); // a cat, whatever its id
        assertThat(joined.images()).extracting(image -> image.file().getFileName().toString())
                .containsExactly("a1.jpg", "a2.jpg", "b1.jpg", "b2.jpg");
        assertThat(joined.audit().ids(Finding.OVERHANGING).count()).isEqualTo(2);
        Dataset used = joined.withoutEmptyImages();
        assertThat(used.images()).extracting(ImageRecord::fileName).containsExactly("a1.jpg", "b1.jpg");
    }

    @Test
    void equalIdsOfTwoSetsAreNotDrawnAlike() throws IOException {
        String cat = "{'id': 1, 'name': 'cat'}";
        Dataset joined = Dataset.concat(List.of(read("a", cat, 1), read("b", cat, 1), read("c", cat, 1)));
        long[] keys = joined.images().stream().mapToLong(ImageRecord::randomKey).toArray();
        assertThat(joined.images()).extracting(ImageRecord::id).containsExactly(1L, 2L, 1L, 2L, 1L, 2L); // results and messages keep them
        assertThat(keys).doesNotHaveDuplicates().startsWith(1, 2); // the first set draws as it does alone
        DatasetMapper mapper = DatasetMapper.forTraining(Pictures.input(IntStream.rangeClosed(20, 90).boxed().toList(), 500, false), 3);
        assertThat(IntStream.range(0, 8).filter(epoch -> draw(mapper, epoch, keys[0]).equals(draw(mapper, epoch, keys[2]))).count()).isLessThan(3);
    }

    private static List<Transform> draw(DatasetMapper mapper, int epoch, long key) {
        return mapper.draw(new ImageSize(40, 30), CounterRandom.of(3, epoch, key));
    }

    @Test
    void contradictingCategoriesAreNamedWithTheirFiles() throws IOException {
        Dataset a = read("a", "{'id': 1, 'name': 'cat'}, {'id': 2, 'name': 'dog'}", 1);
        Dataset bird = read("b", "{'id': 1, 'name': 'cat'}, {'id': 2, 'name': 'bird'}", 1);
        refuses(a, bird, "category id 2 is \"dog\" in " + a.source() + ", but \"bird\" in " + bird.source());
        Dataset less = read("c", "{'id': 1, 'name': 'cat'}", 1);
        refuses(a, less, "category id 2 is \"dog\" in " + a.source() + ", which " + less.source() + " lists under no id");
        refuses(less, a, "category id 2 is \"dog\" in " + a.source() + ", which " + less.source() + " lists under no id");
        Dataset twice = read("d", "{'id': 1, 'name': 'cat'}, {'id': 2, 'name': 'dog'}, {'id': 3, 'name': 'dog'}", 1);
        refuses(a, twice, "\"dog\" is the name of 1 ids in " + a.source() + " and of 2 in " + twice.source());
    }

    private static void refuses(Dataset first, Dataset second, String reason) {
        assertThatThrownBy(() -> Dataset.concat(List.of(first, second))).isInstanceOf(BadInput.class)
                .hasMessageContaining("cannot be trained on together").hasMessageContaining(reason);
    }

    /** Two images, 1 and 2, of 9x9; one box, which overhangs, on the first. */
    private Dataset read(String name, String categories, long categoryId) throws IOException {
        Path json = Files.writeString(folder.resolve(name + ".json"), """
                {'images': [{'id': 2, 'file_name': 'NAME2.jpg', 'width': 9, 'height': 9}, {'id': 1, 'file_name': 'NAME1.jpg', 'width': 9, 'height': 9}],
                 'annotations': [{'id': 1, 'image_id': 1, 'category_id': %d, 'bbox': [1, 1, 20, 30]}], 'categories': [%s]}"""
                .formatted(categoryId, categories).replace("NAME", name).replace('\'', '"'));
        return CocoReader.read(name, json, folder, false);
    }
}
