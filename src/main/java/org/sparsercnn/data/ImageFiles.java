package org.sparsercnn.data;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Tells which image files are there. A folder is listed once when the first of its files is asked for: for a hundred thousand
 * files on a network disk that is seconds, where asking for each is minutes.
 */
final class ImageFiles {
    private final Map<Path, Set<String>> listed = new HashMap<>();

    boolean exists(Path file) {
        Path folder = file.toAbsolutePath().getParent();
        // What a listing lacks is asked for by name too: some file systems spell a name in several ways.
        return folder != null && listed.computeIfAbsent(folder, ImageFiles::list).contains(file.getFileName().toString()) || Files.isRegularFile(file);
    }

    /** What the folder of {@code file}, which was asked for, is like: {@code FOLDER holds 5,000 entries, such as A.jpg}. */
    String surroundings(Path file) {
        Path folder = file.toAbsolutePath().getParent();
        if (!Files.isDirectory(folder)) {
            return folder + " does not exist";
        }
        if (!Files.isReadable(folder)) {
            return folder + " may not be read";
        }
        Set<String> names = listed.get(folder);
        return folder + (names.isEmpty() ? " is empty" : String.format(Locale.ROOT, " holds %,d entries, such as %s", names.size(),
                names.stream().min(String::compareTo).orElseThrow()));
    }

    private static Set<String> list(Path folder) {
        Set<String> names = new HashSet<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            entries.forEach(entry -> names.add(entry.getFileName().toString()));
        } catch (IOException | DirectoryIteratorException e) {
            names.clear(); // no folder, or one that may be entered but not listed
        }
        return names;
    }
}
