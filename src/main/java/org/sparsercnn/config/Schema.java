package org.sparsercnn.config;

import java.lang.reflect.RecordComponent;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The keys a config may hold, by their dotted names: those of the annotated records, which have an effect, and
 * {@link InertKeys}.
 *
 * @param keys       what a name stands for; in an old version's schema a name stands for a key of another name
 * @param deprecated names that are ignored with a notice
 * @param renamed    names that are refused with the new name
 */
record Schema(Map<String, Entry> keys, Set<String> deprecated, Map<String, Rename> renamed) {
    /**
     * One key.
     *
     * @param name         its dotted name
     * @param defaultValue its default, whose Python type new values must have
     * @param key          the annotation that declares it, or null for a key without effect
     */
    record Entry(String name, PyValue defaultValue, Key key) {
        boolean hasEffect() {
            return key != null;
        }

        boolean isOurs() {
            return key != null && key.ours();
        }
    }

    /** The name that took a key's place, and a note for the user (may be null). */
    record Rename(String newName, String note) {}

    /** detectron2's keys with Sparse R-CNN's and ours. */
    static final Schema CURRENT = new Schema(declared(), Set.of(), Map.of());

    private static Map<String, Entry> declared() {
        Map<String, Entry> keys = new LinkedHashMap<>();
        collect(Config.Sections.class, "", keys);
        InertKeys.TABLE.lines().map(line -> line.split(" = ", 2)).forEach(line -> add(keys, line[0], line[1], null));
        return keys;
    }

    private static void collect(Class<?> record, String prefix, Map<String, Entry> keys) {
        for (RecordComponent component : record.getRecordComponents()) {
            if (component.isAnnotationPresent(Section.class)) {
                collect(component.getType(), prefix + component.getAnnotation(Section.class).value() + ".", keys);
            } else {
                Key key = component.getAnnotation(Key.class);
                add(keys, prefix + key.name(), key.is(), key);
            }
        }
    }

    private static void add(Map<String, Entry> keys, String name, String literal, Key key) {
        PyValue value = PyLiteral.parse(literal)
                .orElseThrow(() -> new IllegalStateException("default of " + name + " is no Python literal: " + literal));
        if (keys.put(name, new Entry(name, value, key)) != null) {
            throw new IllegalStateException(name + " is declared twice");
        }
    }

    Optional<Entry> find(String name) {
        return Optional.ofNullable(keys.get(name));
    }

    /** Whether keys lie under this dotted name. */
    boolean isSection(String name) {
        return keys.keySet().stream().anyMatch(key -> key.startsWith(name + "."));
    }

    /**
     * What a user who wrote {@code unknown} most likely meant: a key or section spelled much like it, else the same key in
     * another section, else the most similar key of the section, if there is one.
     */
    Optional<String> nearest(String unknown) {
        String wanted = unknown.toLowerCase(Locale.ROOT);
        String section = wanted.substring(0, wanted.lastIndexOf('.') + 1);
        String last = wanted.substring(section.length());
        Set<String> candidates = new TreeSet<>(keys.keySet());
        for (String key : keys.keySet()) {
            for (int dot = key.indexOf('.'); dot >= 0; dot = key.indexOf('.', dot + 1)) {
                candidates.add(key.substring(0, dot));
            }
        }
        Comparator<String> byDistance = Comparator.comparingInt(name -> distance(wanted, name.toLowerCase(Locale.ROOT)));
        Comparator<String> byLastWord = Comparator.comparing(name -> !name.toLowerCase(Locale.ROOT).contains(last));
        return candidates.stream().min(byDistance)
                .filter(name -> distance(wanted, name.toLowerCase(Locale.ROOT)) <= Math.max(2, wanted.length() / 6))
                .or(() -> keys.keySet().stream().filter(name -> name.toLowerCase(Locale.ROOT).endsWith("." + last)).min(byDistance))
                .or(() -> keys.keySet().stream().filter(name -> !section.isEmpty() && name.toLowerCase(Locale.ROOT).startsWith(section))
                        .min(byLastWord.thenComparing(byDistance)));
    }

    /** Levenshtein's: the fewest insertions, deletions and replacements that make {@code b} of {@code a}. */
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.length()];
    }
}
