package org.sparsercnn.data;

import java.util.AbstractList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.RandomAccess;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Examples;

/**
 * A named list of images with their instances.
 *
 * @param name as in DATASETS.TRAIN and DATASETS.TEST
 * @param source the annotation file, for messages
 * @param images ordered by image id, as detectron2 orders them; of a file, each is made anew when asked for
 * @param categories the classes the instances are numbered by
 * @param audit what was wrong with the boxes of the file and what became of them
 */
public record Dataset(String name, String source, List<ImageRecord> images, CategoryMap categories, AnnotationAudit audit) {
    private static final Logger LOG = LoggerFactory.getLogger(Dataset.class);

    public int size() {
        return images.size();
    }

    /** The same under another name. */
    public Dataset named(String other) {
        return new Dataset(other, source, images, categories, audit);
    }

    /**
     * The images that have something to train on: detectron2's DATALOADER.FILTER_EMPTY_ANNOTATIONS, which drops images without
     * boxes and images with crowd regions only.
     *
     * @throws BadInput if none is left
     */
    public Dataset withoutEmptyImages() {
        int[] kept = IntStream.range(0, size()).filter(i -> images.get(i).trainable() > 0).toArray();
        LOG.info("Removed {} images with no usable annotations. {} images left.", size() - kept.length, kept.length);
        if (kept.length == 0) {
            throw BadInput.of("data set %s: none of its %d images has a box to train on (crowd regions do not count); check that"
                    + " the annotation file belongs to these images", name, size());
        }
        return new Dataset(name, source, madeOnDemand(kept.length, i -> images.get(kept[i])), categories, audit);
    }

    /**
     * Several data sets trained on as one, in the order given, classes numbered as in the first. Classes are told apart by name:
     * the names must be the same, their ids and order need not be (detectron2 wants equal thing_classes, that is the same order
     * by id too). Image ids may be the same in two sets: nothing random is drawn alike for them.
     *
     * @throws BadInput if a set has a class that another has not
     */
    public static Dataset concat(List<Dataset> parts) {
        Dataset first = parts.getFirst();
        if (parts.size() == 1) {
            return first;
        }
        List<int[]> classes = parts.stream().map(part -> part.categories.indicesIn(first.categories).orElseThrow(() -> contradiction(first, part)))
                .toList();
        int[] ends = parts.stream().mapToInt(Dataset::size).toArray();
        Arrays.parallelPrefix(ends, Integer::sum);
        List<ImageRecord> images = madeOnDemand(ends[ends.length - 1], i -> {
            int part = 0;
            while (i >= ends[part]) {
                part++;
            }
            Dataset set = parts.get(part);
            return set.images.get(i - (ends[part] - set.size())).joined(part, classes.get(part));
        });
        String name = joined(parts, Dataset::name);
        tellRepetitions(parts, name);
        return new Dataset(name, joined(parts, Dataset::source), images, first.categories,
                AnnotationAudit.merge(parts.stream().map(Dataset::audit).toList()));
    }

    private static String joined(List<Dataset> parts, Function<Dataset, String> what) {
        return parts.stream().map(what).collect(Collectors.joining("+"));
    }

    private static BadInput contradiction(Dataset first, Dataset other) {
        CategoryMap a = first.categories;
        CategoryMap b = other.categories;
        String difference = firstMissing(a, b).map(i -> only(first, i, other)).or(() -> firstMissing(b, a).map(i -> only(other, i, first)))
                .orElseGet(() -> counted(first, other));
        return BadInput.of("data sets %s (%s) and %s (%s) cannot be trained on together: their categories contradict each other: %s; give"
                + " both files the same category names", first.name, first.source, other.name, other.source, difference);
    }

    private static Optional<Integer> firstMissing(CategoryMap of, CategoryMap in) {
        return IntStream.range(0, of.size()).filter(i -> !in.names().contains(of.name(i))).boxed().findFirst();
    }

    private static String only(Dataset has, int index, Dataset hasNot) {
        long id = has.categories.originalId(index);
        int there = hasNot.categories.indexOf(id);
        return "category id %d is \"%s\" in %s, %s".formatted(id, has.categories.name(index), has.source, there < 0
                ? "which " + hasNot.source + " lists under no id" : "but \"" + hasNot.categories.name(there) + "\" in " + hasNot.source);
    }

    /** The names are the same, but one stands for several ids. */
    private static String counted(Dataset first, Dataset other) {
        List<String> here = first.categories.names();
        List<String> there = other.categories.names();
        String name = here.stream().filter(n -> Collections.frequency(here, n) + Collections.frequency(there, n) > 2).findFirst().orElseThrow();
        return "\"%s\" is the name of %d ids in %s and of %d in %s, so its classes cannot be told apart".formatted(name, Collections.frequency(here, name), first.source,
                Collections.frequency(there, name), other.source);
    }

    private static void tellRepetitions(List<Dataset> parts, String name) {
        Set<Object> seen = new HashSet<>();
        Examples files = new Examples();
        Examples ids = new Examples();
        for (Dataset part : parts) {
            for (ImageRecord image : part.images) {
                if (!seen.add(image.file())) {
                    files.add(image.file());
                }
                if (!seen.add(image.id())) {
                    ids.add(image.id());
                }
            }
        }
        if (files.count() > 0) {
            LOG.warn("{}: {} image files occur more than once and are trained on as often in each epoch: {}", name, files.count(), files);
        }
        if (ids.count() > 0) {
            LOG.info("{}: {} image ids occur in several of these sets and are kept apart: {}", name, ids.count(), ids);
        }
    }

    /** A list that holds no image: each is made when asked for, so that a large data set costs no heap. */
    static List<ImageRecord> madeOnDemand(int size, IntFunction<ImageRecord> make) {
        return new OnDemand(size, make);
    }

    private static final class OnDemand extends AbstractList<ImageRecord> implements RandomAccess {
        private final int size;
        private final IntFunction<ImageRecord> make;

        OnDemand(int size, IntFunction<ImageRecord> make) {
            this.size = size;
            this.make = make;
        }

        @Override
        public ImageRecord get(int index) {
            return make.apply(Objects.checkIndex(index, size));
        }

        @Override
        public int size() {
            return size;
        }
    }
}
