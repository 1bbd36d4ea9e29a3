package org.sparsercnn.app;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/** What {@code demo --input} names: files, the pictures of folders, and globs that the shell left to us. */
final class DemoInputs {
    private static final Pattern PICTURE = Pattern.compile(".*\\.(jpe?g|png|bmp|gif|tiff?)", Pattern.CASE_INSENSITIVE);
    private static final Pattern CONFIG_KEY = Pattern.compile("[A-Z]+(\\.\\w+)+");
    private static final Pattern WILDCARD = Pattern.compile("[*?\\[{]");

    private DemoInputs() {}

    /**
     * All files in the order given, those of a folder or a glob sorted by name as people count ({@link NaturalOrder}), each once.
     *
     * @throws BadInput for an input that is no file, folder or glob, or that stands for nothing
     */
    static List<Path> files(List<String> inputs) {
        Set<Path> files = new LinkedHashSet<>();
        for (String input : inputs) {
            Path path = path(input);
            if (Files.isDirectory(path)) {
                files.addAll(found(path, 1, file -> PICTURE.matcher(file.getFileName().toString()).matches(), input));
            } else if (Files.exists(path)) { // also a name that only looks like a glob
                files.add(path);
            } else if (WILDCARD.matcher(input).find()) {
                files.addAll(glob(path, input));
            } else {
                boolean key = CONFIG_KEY.matcher(input).matches() && !PICTURE.matcher(input).matches();
                throw new BadInput(input + (key ? ": there is no such picture; config overrides go behind --opts"
                        : ": no such file or folder; check --input"));
            }
        }
        return List.copyOf(files);
    }

    private static Path path(String input) {
        try {
            return Path.of(input.startsWith("~/") ? System.getProperty("user.home") + input.substring(1) : input);
        } catch (InvalidPathException e) {
            throw new BadInput("--input '" + input + "': not a path: " + e.getReason(), e);
        }
    }

    /** Wildcards may stand in folders too, {@code **} for any depth. */
    private static List<Path> glob(Path pattern, String input) {
        int fixed = 0;
        while (!WILDCARD.matcher(pattern.getName(fixed).toString()).find()) {
            fixed++;
        }
        Path root = pattern.getRoot() == null ? Path.of("") : pattern.getRoot();
        Path folder = fixed == 0 ? root : root.resolve(pattern.subpath(0, fixed));
        Path rest = pattern.subpath(fixed, pattern.getNameCount());
        if (!Files.isDirectory(folder)) {
            throw new BadInput(input + ": there is no folder " + folder);
        }
        try {
            PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + rest);
            return found(folder, input.contains("**") ? Integer.MAX_VALUE : rest.getNameCount(),
                    file -> matcher.matches(folder.toString().isEmpty() ? file : folder.relativize(file)), input);
        } catch (PatternSyntaxException e) {
            throw new BadInput("--input '" + input + "': not a glob: " + e.getDescription(), e);
        }
    }

    private static List<Path> found(Path folder, int depth, Predicate<Path> wanted, String input) {
        try (Stream<Path> walk = Files.walk(folder, depth, FileVisitOption.FOLLOW_LINKS)) {
            List<Path> files = walk.filter(Files::isRegularFile).filter(wanted).sorted(Comparator.comparing(Path::toString, new NaturalOrder())).toList();
            if (files.isEmpty()) {
                throw new BadInput(input + ": no pictures there");
            }
            return files;
        } catch (UncheckedIOException e) {
            throw new BadInput(folder + ": cannot be listed: " + AtomicFiles.reason(e.getCause()), e);
        } catch (IOException e) {
            throw new BadInput(folder + ": cannot be listed: " + AtomicFiles.reason(e), e);
        }
    }
}
