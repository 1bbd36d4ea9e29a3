package org.sparsercnn.data.convert;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.sparsercnn.data.ImageHeader;
import org.sparsercnn.data.ImageSize;
import org.sparsercnn.util.BadInput;

/** Image files: by their names, and how large they are. */
final class Pictures {
    /** WebP, HEIC and AVIF are no use, but better named as unreadable than passed over. */
    private static final List<String> ENDINGS = List.of(".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".gif", ".webp", ".heic", ".avif");

    private Pictures() {}

    static boolean isImage(Path file) {
        String name = file.getFileName().toString();
        return !name.startsWith(".") && ENDINGS.contains(name.substring(stem(name).length()).toLowerCase(Locale.ROOT));
    }

    /** A file name without its ending, if it has one. */
    static String stem(String name) {
        int dot = name.lastIndexOf('.');
        return dot < 0 ? name : name.substring(0, dot);
    }

    /** The image {@code folder/stem.*}, as a name relative to the folder. */
    static Optional<String> named(Path folder, String stem) {
        return ENDINGS.stream().flatMap(ending -> List.of(ending, ending.toUpperCase(Locale.ROOT)).stream()).map(ending -> stem + ending)
                .filter(name -> Files.isRegularFile(folder.resolve(name))).findFirst();
    }

    /** Empty, with a finding, if the image cannot be read. */
    static Optional<ImageSize> size(Path file, String place, Findings findings) {
        try {
            return Optional.of(ImageHeader.uprightSize(file));
        } catch (BadInput e) {
            findings.add(Finding.BAD_IMAGE, "%s: %s", place, e.getMessage());
            return Optional.empty();
        }
    }
}
