package org.sparsercnn.data;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Original category ids (any integers, with holes: COCO's 80 classes lie in 1..90) beside the contiguous indices 0..K-1 the
 * model works with. The order is detectron2's: by original id, whatever the order in the file.
 */
public final class CategoryMap {
    private final long[] originalIds; // ascending
    private final List<String> names;

    /**
     * @param originalIds any order
     * @param names in the order of the ids given
     * @throws IllegalArgumentException if an id occurs twice or the lengths differ
     */
    public CategoryMap(long[] originalIds, List<String> names) {
        if (originalIds.length != names.size()) {
            throw new IllegalArgumentException(originalIds.length + " category ids but " + names.size() + " names");
        }
        int[] order = IntStream.range(0, originalIds.length).boxed()
                .sorted((a, b) -> Long.compare(originalIds[a], originalIds[b])).mapToInt(i -> i).toArray();
        this.originalIds = Arrays.stream(order).mapToLong(i -> originalIds[i]).toArray();
        this.names = Arrays.stream(order).mapToObj(names::get).toList();
        for (int i = 1; i < order.length; i++) {
            if (this.originalIds[i] == this.originalIds[i - 1]) {
                throw new IllegalArgumentException("category id " + this.originalIds[i] + " occurs twice");
            }
        }
    }

    /** Classes known by name only: ids 1..K, as results are numbered for a model that brought no category map. */
    public static CategoryMap ofNames(List<String> names) {
        return new CategoryMap(LongStream.rangeClosed(1, names.size()).toArray(), names);
    }

    /** {@code count} classes without names: ids 1..count, named "class 1", "class 2", … */
    public static CategoryMap ofCount(int count) {
        return ofNames(IntStream.rangeClosed(1, count).mapToObj(i -> "class " + i).toList());
    }

    /** The 80 classes of COCO. */
    public static CategoryMap coco() {
        return CocoCategories.MAP;
    }

    public int size() {
        return names.size();
    }

    public long originalId(int index) {
        return originalIds[index];
    }

    public String name(int index) {
        return names.get(index);
    }

    /** Names by contiguous index. */
    public List<String> names() {
        return names;
    }

    /** Original ids by contiguous index; a copy. */
    public long[] originalIds() {
        return originalIds.clone();
    }

    /** The contiguous index of an original id, or -1. */
    public int indexOf(long originalId) {
        int index = Arrays.binarySearch(originalIds, originalId);
        return index < 0 ? -1 : index;
    }

    /**
     * Where each class of this map stands in {@code target}, if both have the same names, each once, whatever their ids and order;
     * empty otherwise. Names tell classes apart as in detectron2, which wants equal thing_classes of sets that are used together.
     */
    public Optional<int[]> indicesIn(CategoryMap target) {
        if (names.equals(target.names)) {
            return Optional.of(IntStream.range(0, size()).toArray());
        }
        boolean sameNames = size() == target.size() && Set.copyOf(names).size() == size() && Set.copyOf(target.names).containsAll(names);
        return sameNames ? Optional.of(names.stream().mapToInt(target.names::indexOf).toArray()) : Optional.empty();
    }

    /** Whether the ids are 1..K, the one case in which indices and ids differ only by one. */
    public boolean contiguousFromOne() {
        return names.isEmpty() || originalIds[0] == 1 && originalIds[size() - 1] == size();
    }

    /** Names that more than one id carries: legal, but rarely meant. */
    public Set<String> repeatedNames() {
        Set<String> seen = new LinkedHashSet<>();
        Set<String> repeated = new LinkedHashSet<>();
        names.stream().filter(name -> !seen.add(name)).forEach(repeated::add);
        return repeated;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof CategoryMap that && Arrays.equals(originalIds, that.originalIds) && names.equals(that.names);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(originalIds) + names.hashCode();
    }

    @Override
    public String toString() {
        return IntStream.range(0, size()).mapToObj(i -> originalIds[i] + " " + names.get(i)).toList().toString();
    }
}
