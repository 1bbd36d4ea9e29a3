package org.sparsercnn.data;

import java.util.ArrayList;
import java.util.List;

/** How many of a kind there are, and the first ten of them. */
final class Examples {
    private final List<Object> first = new ArrayList<>();
    private int count;

    void add(Object example) {
        if (count++ < AnnotationAudit.SHOWN) {
            first.add(example);
        }
    }

    int count() {
        return count;
    }

    /** {@code 4, 7, 9}; ends in … where there are more. */
    @Override
    public String toString() {
        return String.join(", ", first.stream().map(Object::toString).toList()) + (count > first.size() ? ", …" : "");
    }
}
