package org.sparsercnn.util;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/** How many of a kind there are, and the first ten of them, for messages. */
public final class Examples {
    private static final int SHOWN = 10;

    private final List<String> first = new ArrayList<>();
    private int count;

    public static Examples of(LongStream ids) {
        return of(ids.boxed());
    }

    public static Examples of(Stream<?> all) {
        Examples examples = new Examples();
        all.forEachOrdered(examples::add);
        return examples;
    }

    public void add(Object example) {
        if (count++ < SHOWN) {
            first.add(example.toString());
        }
    }

    /** Those of another place, behind these. */
    public void add(Examples more) {
        first.addAll(more.first.subList(0, Math.min(SHOWN - first.size(), more.first.size())));
        count += more.count;
    }

    public int count() {
        return count;
    }

    /** At most ten. */
    public List<String> first() {
        return List.copyOf(first);
    }

    /** {@code 4, 7, 9}; ends in … where there are more. */
    @Override
    public String toString() {
        return String.join(", ", first) + (count > first.size() ? ", …" : "");
    }
}
