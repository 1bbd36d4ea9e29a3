package org.sparsercnn.launcher;

import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Finds Java installations where they usually stand. A version is read from the installation's {@code release} file; none
 * is started for it.
 */
final class JavaFinder {
    /** Folders that hold installations, one in each subfolder; {@code ~} is the home folder. */
    private static final List<String> SHELVES = List.of(
            "/usr/lib/jvm", "/usr/lib64/jvm", "/usr/java", "~/.sdkman/candidates/java", "~/.jdks", "/opt", "/opt/java", "/usr/local",
            "~/.local/share/mise/installs/java", "~/.asdf/installs/java",
            "/Library/Java/JavaVirtualMachines", "~/Library/Java/JavaVirtualMachines", "/opt/homebrew/opt");

    private final Map<String, String> environment;
    private final List<String> shelves;

    JavaFinder(Map<String, String> environment, List<String> shelves) {
        this.environment = environment;
        this.shelves = shelves;
    }

    static JavaFinder ofThisMachine() {
        List<String> shelves = new ArrayList<>();
        for (String shelf : SHELVES) shelves.add(shelf.replace("~", System.getProperty("user.home")));
        return new JavaFinder(System.getenv(), shelves);
    }

    /** What is searched, in order, for the message that nothing was found. */
    String places() {
        return "SPARSERCNN_JAVA, JAVA_HOME, JDK_HOME, " + String.join(", ", shelves) + ", PATH";
    }

    /**
     * The homes of all installations of at least Java {@code wanted}, in the order of {@link #places}. SPARSERCNN_JAVA, a
     * home or a java executable, is an order: when it is set nothing else counts.
     */
    Collection<Path> homes(int wanted) {
        Set<Path> candidates = new LinkedHashSet<>();
        String chosen = environment.getOrDefault("SPARSERCNN_JAVA", "");
        if (!chosen.isEmpty()) {
            Path path = Path.of(chosen);
            candidates.add(Files.isDirectory(path) ? path : homeOf(path));
        } else {
            for (String variable : List.of("JAVA_HOME", "JDK_HOME")) {
                String home = environment.getOrDefault(variable, "");
                if (!home.isEmpty()) candidates.add(Path.of(home));
            }
            for (String shelf : shelves) candidates.addAll(subfolders(Path.of(shelf)));
            for (String folder : environment.getOrDefault("PATH", "").split(File.pathSeparator)) {
                Path java = Path.of(folder, "java");
                if (Files.isExecutable(java)) candidates.add(homeOf(java));
            }
        }
        Set<Path> homes = new LinkedHashSet<>();
        for (Path candidate : candidates) {
            for (Path home : List.of(candidate, candidate.resolve("Contents/Home"))) { // the latter on macOS
                if (version(home) >= wanted && Files.isExecutable(home.resolve("bin/java"))) homes.add(home);
            }
        }
        return homes;
    }

    private static Set<Path> subfolders(Path shelf) {
        Set<Path> sorted = new TreeSet<>();
        try (DirectoryStream<Path> children = Files.newDirectoryStream(shelf)) {
            children.forEach(sorted::add);
        } catch (IOException e) {
            // no such shelf here, or not ours to read
        }
        return sorted;
    }

    /** The installation a java executable belongs to, through links such as those of /etc/alternatives. */
    private static Path homeOf(Path java) {
        try {
            return java.toRealPath().resolve("../..").normalize();
        } catch (IOException e) {
            return java;
        }
    }

    /** 25 for {@code JAVA_VERSION="25.0.3"}, 0 where there is no such line. */
    static int version(Path home) {
        Path release = home.resolve("release");
        if (!Files.isRegularFile(release)) return 0;
        try {
            for (String line : Files.readAllLines(release)) {
                if (line.startsWith("JAVA_VERSION=")) {
                    String number = line.substring("JAVA_VERSION=".length()).replace("\"", "").split("[^0-9]")[0];
                    return number.isEmpty() ? 0 : Integer.parseInt(number);
                }
            }
        } catch (IOException e) {
            // unreadable: as if it were not there
        }
        return 0;
    }
}
