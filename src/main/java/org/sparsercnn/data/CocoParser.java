package org.sparsercnn.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.sparsercnn.util.BadInput;

/** Fills the columns of a {@link CocoFile} in one pass, sections in any order, then resolves ids to indices. */
final class CocoParser {
    private static final String WANTED = "; wanted is an object with \"images\", \"annotations\" and \"categories\"";

    private final Path source;
    private final JsonStream in;
    private final ImageRows images = new ImageRows();
    private final AnnotationRows annotations = new AnnotationRows();
    private final CategoryRows categories = new CategoryRows();

    CocoParser(Path source, JsonStream in) {
        this.source = source;
        this.in = in;
    }

    CocoFile parse() throws IOException {
        if (in.atArray()) {
            throw new BadInput(source + ": a list, not COCO annotations; it looks like detection results" + WANTED);
        }
        List<String> missing = new ArrayList<>(List.of("images", "annotations", "categories"));
        in.object(section -> {
            missing.remove(section);
            switch (section) {
                case "images" -> in.array(() -> images.add(in));
                case "annotations" -> in.array(() -> annotations.add(in));
                case "categories" -> in.array(() -> categories.add(in));
                default -> in.skip();
            }
        });
        if (source.getFileName().toString().startsWith("image_info")) { // COCO's lists of test images have no labels
            missing.remove("annotations");
        }
        if (!missing.isEmpty()) {
            throw new BadInput(source + ": not COCO annotations: no key " + String.join(", ", missing) + WANTED);
        }
        return resolve();
    }

    private CocoFile resolve() {
        CocoFile.Images sortedImages = images.sorted();
        if (sortedImages.count() == 0) {
            throw new BadInput(source + ": zero images: \"images\" is empty, there is nothing to train on or to evaluate");
        }
        long[] annotationIds = annotations.ids.build().toArray();
        refuseRepeated("image", sortedImages.ids());
        long[] listedCategories = categories.ids.build().toArray();
        refuseRepeated("category", listedCategories);
        if (!source.getFileName().toString().contains("minival")) { // COCO 2014's published minival files repeat some
            refuseRepeated("annotation", annotationIds);
        }
        CategoryMap map = new CategoryMap(listedCategories, categories.names);
        long[] imageIds = annotations.imageIds.build().toArray();
        long[] categoryIds = annotations.categoryIds.build().toArray();
        int[] imageIndices = Arrays.stream(imageIds).mapToInt(id -> Arrays.binarySearch(sortedImages.ids(), id)).toArray();
        int[] classes = Arrays.stream(categoryIds).mapToInt(map::indexOf).toArray();
        refuseUnknown("image", "images", imageIds, imageIndices, annotationIds);
        refuseUnknown("category", "categories", categoryIds, classes, annotationIds);
        return new CocoFile(source, sortedImages, annotations.columns(annotationIds, imageIndices, classes), map);
    }

    private void refuseRepeated(String what, long[] ids) {
        long[] sorted = ids.clone();
        Arrays.sort(sorted);
        long[] repeated =
                IntStream.range(1, sorted.length).filter(i -> sorted[i] == sorted[i - 1]).mapToLong(i -> sorted[i]).distinct().toArray();
        if (repeated.length > 0) {
            throw BadInput.of("%s: %s ids must be unique, but %d occur more than once: %s; renumber them", source, what, repeated.length,
                    firstTen(Arrays.stream(repeated)));
        }
    }

    private void refuseUnknown(String what, String section, long[] ids, int[] indices, long[] annotationIds) {
        int[] unknown = IntStream.range(0, indices.length).filter(i -> indices[i] < 0).toArray();
        if (unknown.length > 0) {
            throw BadInput.of("%s: unknown %s id %s in %d annotations (ids %s): \"%s\" does not list it; add it there or remove these"
                            + " annotations", source, what, firstTen(Arrays.stream(unknown).mapToLong(i -> ids[i]).distinct()), unknown.length,
                    firstTen(Arrays.stream(unknown).mapToLong(i -> annotationIds[i])), section);
        }
    }

    private static String firstTen(LongStream ids) {
        long[] some = ids.limit(AnnotationAudit.SHOWN + 1L).toArray();
        String shown = Arrays.stream(some).limit(AnnotationAudit.SHOWN).mapToObj(Long::toString).collect(Collectors.joining(", "));
        return some.length > AnnotationAudit.SHOWN ? shown + ", …" : shown;
    }

    /** The rows below keep the values of the entry being read in fields: one entry at a time, no object per entry. */
    private static final class ImageRows {
        private final LongStream.Builder ids = LongStream.builder();
        private final List<String> fileNames = new ArrayList<>();
        private final IntStream.Builder widths = IntStream.builder();
        private final IntStream.Builder heights = IntStream.builder();
        private Long id;
        private String fileName;
        private int width;
        private int height;

        void add(JsonStream in) throws IOException {
            id = null;
            fileName = null;
            width = 0;
            height = 0;
            in.object(key -> {
                switch (key) {
                    case "id" -> id = in.integer();
                    case "file_name" -> fileName = in.text();
                    case "width" -> width = Math.clamp(in.integer(), 0, Integer.MAX_VALUE);
                    case "height" -> height = Math.clamp(in.integer(), 0, Integer.MAX_VALUE);
                    default -> in.skip();
                }
            });
            if (id == null) {
                throw in.bad("this image has no \"id\"");
            }
            ids.add(id);
            fileNames.add(fileName);
            widths.add(width);
            heights.add(height);
        }

        CocoFile.Images sorted() {
            long[] id = ids.build().toArray();
            int[] w = widths.build().toArray();
            int[] h = heights.build().toArray();
            int[] order = IntStream.range(0, id.length).boxed().sorted((a, b) -> Long.compare(id[a], id[b])).mapToInt(i -> i).toArray();
            return new CocoFile.Images(Arrays.stream(order).mapToLong(i -> id[i]).toArray(),
                    Arrays.stream(order).mapToObj(fileNames::get).toArray(String[]::new), Arrays.stream(order).map(i -> w[i]).toArray(),
                    Arrays.stream(order).map(i -> h[i]).toArray());
        }
    }

    private static final class AnnotationRows {
        private final LongStream.Builder ids = LongStream.builder();
        private final LongStream.Builder imageIds = LongStream.builder();
        private final LongStream.Builder categoryIds = LongStream.builder();
        private final DoubleStream.Builder boxesXywhPx = DoubleStream.builder();
        private final DoubleStream.Builder areas = DoubleStream.builder();
        private final IntStream.Builder flags = IntStream.builder(); // 1 iscrowd, 2 ignore
        private final double[] boxXywhPx = new double[4];
        private Long id;
        private Long imageId;
        private Long categoryId;
        private boolean hasBox;
        private double area;
        private int flag;

        void add(JsonStream in) throws IOException {
            id = null;
            imageId = null;
            categoryId = null;
            hasBox = false;
            area = Double.NaN;
            flag = 0;
            in.object(key -> {
                switch (key) {
                    case "id" -> id = in.integer();
                    case "image_id" -> imageId = in.integer();
                    case "category_id" -> categoryId = in.integer();
                    case "bbox" -> {
                        in.numbers(boxXywhPx);
                        hasBox = true;
                    }
                    case "area" -> area = in.number();
                    case "iscrowd" -> flag |= in.flag() ? 1 : 0;
                    case "ignore" -> flag |= in.flag() ? 2 : 0;
                    default -> in.skip();
                }
            });
            if (id == null || imageId == null || categoryId == null || !hasBox) {
                throw in.bad("this annotation%s has no \"%s\"", id == null ? "" : " (id " + id + ")",
                        id == null ? "id" : imageId == null ? "image_id" : categoryId == null ? "category_id" : "bbox");
            }
            ids.add(id);
            imageIds.add(imageId);
            categoryIds.add(categoryId);
            for (double value : boxXywhPx) {
                boxesXywhPx.add(value);
            }
            areas.add(Double.isNaN(area) ? boxXywhPx[2] * boxXywhPx[3] : area);
            flags.add(flag);
        }

        CocoFile.Annotations columns(long[] annotationIds, int[] imageIndices, int[] classes) {
            int[] flag = flags.build().toArray();
            boolean[] crowd = new boolean[flag.length];
            boolean[] ignore = new boolean[flag.length];
            for (int i = 0; i < flag.length; i++) {
                crowd[i] = (flag[i] & 1) != 0;
                ignore[i] = (flag[i] & 2) != 0;
            }
            return new CocoFile.Annotations(annotationIds, imageIndices, classes, boxesXywhPx.build().toArray(), areas.build().toArray(),
                    crowd, ignore);
        }
    }

    private static final class CategoryRows {
        private final LongStream.Builder ids = LongStream.builder();
        private final List<String> names = new ArrayList<>();
        private Long id;
        private String name;

        void add(JsonStream in) throws IOException {
            id = null;
            name = null;
            in.object(key -> {
                switch (key) {
                    case "id" -> id = in.integer();
                    case "name" -> name = in.text();
                    default -> in.skip();
                }
            });
            if (id == null) {
                throw in.bad("this category has no \"id\"");
            }
            ids.add(id);
            names.add(name == null ? "category " + id : name);
        }
    }
}
