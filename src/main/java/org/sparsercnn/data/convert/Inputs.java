package org.sparsercnn.data.convert;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/**
 * What a user names of a data set, and the search for what was not named.
 *
 * @param path a folder, or the file that describes or holds the labels
 * @param images the image folder, where it is not at its usual place
 * @param labels YOLO's label folder, where it is not at its usual place
 * @param splits names (train) or files with a list; none for all there is
 * @param classes names in the order of their ids; none for those of the data
 * @param difficult for Pascal VOC
 */
public record Inputs(Path path, Optional<Path> images, Optional<Path> labels, List<String> splits, List<String> classes, Difficult difficult) {
    public Inputs {
        List<String> repeated = classes.stream().filter(name -> classes.indexOf(name) != classes.lastIndexOf(name)).distinct().toList();
        if (!repeated.isEmpty()) {
            throw new BadInput("class names must differ, but these come twice: " + String.join(", ", repeated));
        }
        if (classes.stream().anyMatch(String::isBlank)) {
            throw new BadInput("a class name is empty in " + classes);
        }
        requireFolder("--images", images);
        requireFolder("--labels", labels);
        if (!Files.exists(path)) {
            throw new BadInput(path + ": no such file or folder");
        }
    }

    private static void requireFolder(String option, Optional<Path> folder) {
        if (folder.isPresent() && !Files.isDirectory(folder.get())) {
            throw new BadInput(option + " " + folder.get() + ": no such folder");
        }
    }

    /** @param text names separated by commas, a file with one a line, or nothing */
    public static List<String> classNames(String text) {
        boolean file = !text.isEmpty() && !text.contains(",") && Files.isRegularFile(Path.of(text));
        Stream<String> names = file ? lines(Path.of(text)).stream().filter(line -> !line.isEmpty()) : Arrays.stream(text.split(",")).map(String::strip);
        return text.isEmpty() ? List.of() : names.toList();
    }

    /** The same with class names that were found. */
    Inputs withClasses(List<String> found) {
        return new Inputs(path, images, labels, splits, found, difficult);
    }

    /** The data set's folder. */
    public Path folder() {
        return Files.isDirectory(path) ? path : path.resolveSibling("");
    }

    /** The named image folder, else the first of these below the data set's folder that exists. */
    Path imageFolder(String... usual) {
        return images.orElseGet(() -> firstFolder("the images", usual));
    }

    /** @throws BadInput naming all places if none exists */
    Path firstFolder(String what, String... usual) {
        return Arrays.stream(usual).map(folder()::resolve).filter(Files::isDirectory).findFirst()
                .orElseThrow(() -> BadInput.of("%s: no folder with %s; looked for %s", folder(), what, String.join(", ", usual)));
    }

    /** The list of a split: a file of that name, or the one of that name in {@code folder}. */
    Path splitFile(String split, Path folder) {
        for (Path file : List.of(folder.resolve(split + ".txt"), folder.resolve(split), Path.of(split))) {
            if (Files.isRegularFile(file)) {
                return file;
            }
        }
        List<String> there = names(folder, ".txt");
        throw BadInput.of("--split %s: no file %s; %s", split, folder.resolve(split + ".txt"), there.isEmpty()
                ? "there is no list of images at all; leave --split out to convert everything" : "there are " + String.join(", ", there));
    }

    /** Lines of a text file without blanks around them. */
    static List<String> lines(Path file) {
        try (BufferedReader in = open(file)) {
            return in.readAllLines().stream().map(String::strip).toList();
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /** A text file from its first character on, which is not the byte order mark that some editors put there. */
    static BufferedReader open(Path file) throws IOException {
        BufferedReader in = Files.newBufferedReader(file);
        try {
            in.mark(1);
            if (in.read() != '\uFEFF') {
                in.reset();
            }
            return in;
        } catch (IOException e) {
            in.close();
            throw e;
        }
    }

    static BadInput unreadable(Path file, IOException e) {
        return new BadInput(file + ": cannot be read: " + (e instanceof CharacterCodingException ? "it is no UTF-8 text" : AtomicFiles.reason(e)), e);
    }

    /** Names, without the ending, of the files in a folder that end so, sorted; none if there is no such folder. */
    static List<String> names(Path folder, String ending) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(ending) && !name.startsWith("."))
                    .map(name -> name.substring(0, name.length() - ending.length())).sorted().toList();
        } catch (IOException e) {
            throw unreadable(folder, e);
        }
    }
}
