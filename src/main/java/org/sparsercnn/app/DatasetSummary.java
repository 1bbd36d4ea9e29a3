package org.sparsercnn.app;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.sparsercnn.data.ImageSize;
import org.sparsercnn.data.convert.LabelledImage;
import org.sparsercnn.data.convert.LabelledImage.Instance;

/** Counts of a data set while it is converted. */
final class DatasetSummary {
    /** COCO's bounds between small, medium and large, square pixels. */
    private static final double SMALL = 32 * 32;
    private static final double MEDIUM = 96 * 96;

    private final List<String> categories;
    private final long[] perCategory;
    private final long[] perSize = new long[3];
    private long images;
    private long empty;
    private long boxes;
    private long crowd;
    private ImageSize smallest;
    private ImageSize largest;

    DatasetSummary(List<String> categories) {
        this.categories = categories;
        perCategory = new long[categories.size()];
    }

    void add(LabelledImage image) {
        images++;
        empty += image.instances().isEmpty() ? 1 : 0;
        smallest = smallest == null || pixels(image.size()) < pixels(smallest) ? image.size() : smallest;
        largest = largest == null || pixels(image.size()) > pixels(largest) ? image.size() : largest;
        for (Instance instance : image.instances()) {
            boxes++;
            crowd += instance.crowd() ? 1 : 0;
            perCategory[instance.category() - 1] += instance.crowd() ? 0 : 1;
            perSize[instance.areaPx() < SMALL ? 0 : instance.areaPx() < MEDIUM ? 1 : 2]++;
        }
    }

    private static long pixels(ImageSize size) {
        return (long) size.width() * size.height();
    }

    long images() {
        return images;
    }

    long boxes() {
        return boxes;
    }

    String text(Path json, Path imageFolder) {
        StringBuilder text = new StringBuilder();
        text.append(String.format(Locale.ROOT, """

                %s
                  %,9d images from %s to %s in %s; %,d of them without an object
                  %,9d boxes: %,d small, %,d medium, %,d large%s
                  %,9d classes:
                """, json, images, smallest, largest, imageFolder.toString().isEmpty() ? "." : imageFolder, empty, boxes, perSize[0], perSize[1], perSize[2],
                crowd == 0 ? "" : String.format(Locale.ROOT, "; %,d of them crowd regions, counted nowhere below", crowd), categories.size()));
        for (int k = 0; k < categories.size(); k++) {
            text.append(String.format(Locale.ROOT, "    %3d %-20s %,9d%n", k + 1, categories.get(k), perCategory[k]));
        }
        return text.toString();
    }
}
