package org.sparsercnn.data;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.util.BadInput;

/**
 * A named list of images with their instances.
 *
 * @param name as in DATASETS.TRAIN and DATASETS.TEST
 * @param images ordered by image id, as detectron2 orders them
 * @param categories the classes the instances are numbered by
 * @param audit what was wrong with the boxes of the file and what became of them
 */
public record Dataset(String name, List<ImageRecord> images, CategoryMap categories, AnnotationAudit audit) {
    private static final Logger LOG = LoggerFactory.getLogger(Dataset.class);

    public Dataset {
        images = List.copyOf(images);
    }

    public Dataset(String name, List<ImageRecord> images, CategoryMap categories) {
        this(name, images, categories, AnnotationAudit.CLEAN);
    }

    public int size() {
        return images.size();
    }

    /** The same under another name. */
    public Dataset named(String other) {
        return new Dataset(other, images, categories, audit);
    }

    /** Instances per contiguous class, crowd regions left out. */
    public int[] instancesPerClass() {
        int[] counts = new int[categories.size()];
        for (ImageRecord image : images) {
            for (int i = 0; i < image.instances(); i++) {
                counts[image.classes()[i]] += image.crowd()[i] ? 0 : 1;
            }
        }
        return counts;
    }

    /**
     * The images that have something to train on: detectron2's DATALOADER.FILTER_EMPTY_ANNOTATIONS, which drops images without
     * boxes and images with crowd regions only.
     *
     * @throws BadInput if none is left
     */
    public Dataset withoutEmptyImages() {
        List<ImageRecord> kept = images.stream().filter(image -> image.trainable() > 0).toList();
        LOG.info("Removed {} images with no usable annotations. {} images left.", images.size() - kept.size(), kept.size());
        if (kept.isEmpty()) {
            throw BadInput.of("data set %s: none of its %d images has a box to train on (crowd regions do not count); check that"
                    + " the annotation file belongs to these images", name, images.size());
        }
        return new Dataset(name, kept, categories, audit);
    }

    /**
     * Several data sets trained on as one, in the order given.
     *
     * @throws BadInput if they do not share their classes
     */
    public static Dataset concat(List<Dataset> parts) {
        Dataset first = parts.getFirst();
        if (parts.size() == 1) {
            return first;
        }
        List<ImageRecord> images = new ArrayList<>();
        for (Dataset part : parts) {
            if (!part.categories.names().equals(first.categories.names())) {
                throw BadInput.of("data sets %s and %s cannot be trained on together: their classes differ (%d: %s; %d: %s)", first.name,
                        part.name, first.categories.size(), shortened(first.categories), part.categories.size(),
                        shortened(part.categories));
            }
            images.addAll(part.images);
        }
        String name = parts.stream().map(Dataset::name).collect(Collectors.joining("+"));
        return new Dataset(name, images, first.categories, AnnotationAudit.merge(parts.stream().map(Dataset::audit).toList()));
    }

    private static String shortened(CategoryMap categories) {
        String some = categories.names().stream().limit(5).collect(Collectors.joining(", "));
        return categories.size() > 5 ? some + ", …" : some;
    }
}
