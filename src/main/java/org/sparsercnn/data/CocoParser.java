package org.sparsercnn.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.sparsercnn.util.BadInput;

/** Reads a COCO instances file into an {@link AnnotationStore}, sections in any order, one entry at a time. */
final class CocoParser {
    private static final String WANTED = "; wanted is an object with \"images\", \"annotations\" and \"categories\"";

    private final Path source;
    private final JsonStream in;
    private final Entry entry = new Entry();

    CocoParser(Path source, JsonStream in) {
        this.source = source;
        this.in = in;
    }

    AnnotationStore parse() throws IOException {
        if (in.atArray()) {
            throw new BadInput(source + ": a list, not COCO annotations; it looks like detection results" + WANTED);
        }
        List<String> missing = new ArrayList<>(List.of("images", "annotations", "categories"));
        try (AnnotationStoreBuilder store = new AnnotationStoreBuilder(source)) {
            in.object(section -> {
                missing.remove(section);
                switch (section) {
                    case "images" -> in.array(() -> image(store));
                    case "annotations" -> in.array(() -> annotation(store));
                    case "categories" -> in.array(() -> category(store));
                    default -> in.skip();
                }
            });
            if (source.getFileName().toString().startsWith("image_info")) { // COCO's lists of test images have no labels
                missing.remove("annotations");
            }
            if (!missing.isEmpty()) {
                throw new BadInput(source + ": not COCO annotations: no key " + String.join(", ", missing) + WANTED);
            }
            return store.build();
        }
    }

    /** What an entry said so far: one at a time, so no object is made for each of a million. */
    private static final class Entry {
        private Long id;
        private Long imageId;
        private Long categoryId;
        private String name;
        private int width;
        private int height;
        private final double[] boxXywhPx = new double[4];
        private boolean hasBox;
        private double area;
        private int flags;

        void clear() {
            id = null;
            imageId = null;
            categoryId = null;
            name = null;
            width = 0;
            height = 0;
            hasBox = false;
            area = Double.NaN;
            flags = 0;
        }
    }

    private void image(AnnotationStoreBuilder store) throws IOException {
        entry.clear();
        in.object(key -> {
            switch (key) {
                case "id" -> entry.id = in.integer();
                case "file_name" -> entry.name = in.text();
                case "width" -> entry.width = Math.clamp(in.integer(), 0, Integer.MAX_VALUE);
                case "height" -> entry.height = Math.clamp(in.integer(), 0, Integer.MAX_VALUE);
                default -> in.skip();
            }
        });
        if (entry.id == null) {
            throw in.bad("this image has no \"id\"");
        }
        store.image(entry.id, entry.name == null ? "" : entry.name, entry.width, entry.height);
    }

    private void annotation(AnnotationStoreBuilder store) throws IOException {
        entry.clear();
        in.object(key -> {
            switch (key) {
                case "id" -> entry.id = in.integer();
                case "image_id" -> entry.imageId = in.integer();
                case "category_id" -> entry.categoryId = in.integer();
                case "bbox" -> {
                    in.numbers(entry.boxXywhPx);
                    entry.hasBox = true;
                }
                case "area" -> entry.area = in.number();
                case "iscrowd" -> entry.flags |= in.flag() ? AnnotationStore.CROWD : 0;
                case "ignore" -> entry.flags |= in.flag() ? AnnotationStore.IGNORE : 0;
                default -> in.skip();
            }
        });
        if (entry.id == null || entry.imageId == null || entry.categoryId == null || !entry.hasBox) {
            throw in.bad("this annotation%s has no \"%s\"", entry.id == null ? "" : " (id " + entry.id + ")", entry.id == null ? "id"
                    : entry.imageId == null ? "image_id" : entry.categoryId == null ? "category_id" : "bbox");
        }
        double area = Double.isNaN(entry.area) ? entry.boxXywhPx[2] * entry.boxXywhPx[3] : entry.area;
        store.annotation(entry.id, entry.imageId, entry.categoryId, entry.boxXywhPx, area, entry.flags);
    }

    private void category(AnnotationStoreBuilder store) throws IOException {
        entry.clear();
        in.object(key -> {
            switch (key) {
                case "id" -> entry.id = in.integer();
                case "name" -> entry.name = in.text();
                default -> in.skip();
            }
        });
        if (entry.id == null) {
            throw in.bad("this category has no \"id\"");
        }
        store.category(entry.id, entry.name == null ? "category " + entry.id : entry.name);
    }
}
