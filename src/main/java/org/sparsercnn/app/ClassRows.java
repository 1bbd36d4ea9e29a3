package org.sparsercnn.app;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparsercnn.data.CategoryMap;

/**
 * Where the classes of one data set stand among those of another, by name. A class layer has a row for each class, and with softmax
 * one more for the background, the last.
 */
final class ClassRows {
    private final List<String> before;
    private final List<String> now;

    private ClassRows(List<String> before, List<String> now) {
        this.before = before;
        this.now = now;
    }

    /** Empty where names do not tell classes apart. */
    static Optional<ClassRows> between(CategoryMap before, CategoryMap now) {
        return before.repeatedNames().isEmpty() && now.repeatedNames().isEmpty() ? Optional.of(new ClassRows(before.names(), now.names()))
                : Optional.empty();
    }

    /** The same classes in the same order. */
    boolean isSame() {
        return before.equals(now);
    }

    /** Whether layers of so many rows are about these classes. */
    boolean fit(long rowsBefore, long rowsNow) {
        return extra(rowsBefore, before) && extra(rowsNow, now);
    }

    private static boolean extra(long rows, List<String> classes) {
        return rows == classes.size() || rows == classes.size() + 1;
    }

    /**
     * The values of a class layer now: those of {@code old} for every class that is in both, and for the background; else {@code fresh}.
     *
     * @param width numbers in a row
     */
    float[] carried(float[] old, float[] fresh, int width) {
        float[] out = fresh.clone();
        for (int row = 0; row < now.size(); row++) {
            int from = before.indexOf(now.get(row));
            if (from >= 0) {
                System.arraycopy(old, from * width, out, row * width, width);
            }
        }
        if (old.length > before.size() * width && out.length > now.size() * width) {
            System.arraycopy(old, before.size() * width, out, now.size() * width, width);
        }
        return out;
    }

    /** {@code RBC, WBC carried over; new: Basophil; in the file only: Platelets}. */
    @Override
    public String toString() {
        List<String> parts = new ArrayList<>();
        part(parts, "carried over: ", now.stream().filter(before::contains).toList());
        part(parts, "new, as initialised: ", now.stream().filter(name -> !before.contains(name)).toList());
        part(parts, "in the file only: ", before.stream().filter(name -> !now.contains(name)).toList());
        return String.join("; ", parts);
    }

    private static void part(List<String> parts, String what, List<String> names) {
        if (!names.isEmpty()) {
            parts.add(what + String.join(", ", names));
        }
    }
}
