package org.sparsercnn.ffi.cuda;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The folders in which NVIDIA's libraries are usually found. Python environments are found by their files alone; no interpreter is
 * run.
 *
 * @param variables the environment
 * @param path value of {@code sparsercnn.cuda.path}, folders between colons, or null
 * @param home this user's folder
 * @param root where absolute paths start, "/" but in tests
 */
record LibraryPlaces(Map<String, String> variables, String path, Path home, Path root) {
    /** @param why for people: how this program came to look there */
    record Place(String why, Path folder) {}

    static LibraryPlaces ofThisMachine() {
        return new LibraryPlaces(System.getenv(), System.getProperty(CudaLibraries.PATH_PROPERTY), Path.of(System.getProperty("user.home")),
                Path.of("/"));
    }

    /** Folders the user named for this program, there or not. */
    List<Place> named() {
        if (path == null || path.isBlank()) return List.of();
        return Stream.of(path.split(":")).filter(folder -> !folder.isBlank())
                .map(folder -> new Place("-D" + CudaLibraries.PATH_PROPERTY, Path.of(folder.strip()).toAbsolutePath())).toList();
    }

    /** Folders of a toolkit or of the system that exist. */
    List<Place> system() {
        Set<Place> places = new LinkedHashSet<>();
        for (String variable : List.of("CUDA_HOME", "CUDA_PATH", "CUDNN_PATH", "CUDNN_HOME", "NCCL_HOME")) {
            variable(variable).ifPresent(home -> under(places, variable, home, "lib64", "lib", "targets/x86_64-linux/lib"));
        }
        List<Path> toolkits = new ArrayList<>(List.of(root.resolve("usr/local/cuda")));
        toolkits.addAll(matches(root.resolve("usr/local"), "cuda-*").reversed()); // newest first
        toolkits.add(root.resolve("opt/cuda"));
        for (Path toolkit : toolkits) under(places, "CUDA toolkit", toolkit, "lib64", "targets/x86_64-linux/lib");
        under(places, "system", root, "usr/lib/x86_64-linux-gnu", "usr/lib64", "usr/lib", "usr/local/lib", "usr/local/nvidia/lib64",
                "usr/local/nvidia/lib", "usr/lib/x86_64-linux-gnu/nvidia/current", "usr/lib/wsl/lib", "run/opengl-driver/lib");
        return List.copyOf(places);
    }

    /** The {@code nvidia/<package>/lib} folders of every Python environment that can be found. */
    List<Place> python() {
        Set<Path> packages = new LinkedHashSet<>();
        for (Path environment : environments()) {
            for (String lib : List.of("lib", "lib64", "local/lib")) {
                for (Path version : matches(environment.resolve(lib), "python3*")) {
                    packages.add(version.resolve("site-packages"));
                    packages.add(version.resolve("dist-packages")); // Debian
                }
            }
        }
        packages.add(root.resolve("usr/lib/python3/dist-packages"));
        Set<Place> places = new LinkedHashSet<>();
        for (Path folder : packages) {
            for (Path part : matches(folder.resolve("nvidia"), "*")) under(places, "Python packages", part, "lib");
        }
        return List.copyOf(places);
    }

    /** Prefixes of Python environments: the active one, those of the interpreters on PATH, then the usual homes. */
    private Set<Path> environments() {
        Set<Path> found = new LinkedHashSet<>();
        variable("VIRTUAL_ENV").ifPresent(found::add);
        variable("CONDA_PREFIX").ifPresent(found::add);
        for (String folder : variables.getOrDefault("PATH", "").split(":")) {
            if (!folder.isBlank()) interpreter(found, Path.of(folder, "python3"));
        }
        found.add(home.resolve(".local"));
        for (String name : List.of(".venv", "venv", "miniconda3", "anaconda3", "miniforge3")) found.add(home.resolve(name));
        for (Path folder : matches(root.resolve("opt"), "*")) {
            found.add(folder);
            found.add(folder.resolve(".venv"));
        }
        found.add(root.resolve("usr/local"));
        found.add(root.resolve("usr"));
        return found;
    }

    /** A python3 stands in {@code prefix/bin}; it may be a link, and a virtual environment names what it was made from. */
    private static void interpreter(Set<Path> found, Path python) {
        try {
            for (int hop = 0; hop < 40 && Files.exists(python); hop++) {
                Path prefix = python.toAbsolutePath().normalize().getParent().getParent();
                if (prefix != null) {
                    found.add(prefix);
                    base(prefix).ifPresent(found::add);
                }
                if (!Files.isSymbolicLink(python)) return;
                python = python.resolveSibling(Files.readSymbolicLink(python));
            }
        } catch (IOException e) {
            // a folder of PATH that cannot be read: Python could not be started from there either
        }
    }

    private static Optional<Path> base(Path prefix) throws IOException {
        Path config = prefix.resolve("pyvenv.cfg");
        if (!Files.isRegularFile(config)) return Optional.empty();
        try (Stream<String> lines = Files.lines(config)) {
            return lines.map(line -> line.split("=", 2)).filter(pair -> pair.length == 2 && pair[0].strip().equals("home"))
                    .map(pair -> Path.of(pair[1].strip()).getParent()).filter(Objects::nonNull).findFirst();
        }
    }

    private Optional<Path> variable(String name) {
        String value = variables.get(name);
        return value == null || value.isBlank() ? Optional.empty() : Optional.of(Path.of(value));
    }

    private static void under(Set<Place> places, String why, Path folder, String... names) {
        for (String name : names) {
            Path inner = folder.resolve(name);
            if (Files.isDirectory(inner) && places.stream().noneMatch(place -> same(place.folder, inner))) places.add(new Place(why, inner));
        }
    }

    /** Toolkits and systems link their folders to each other. */
    private static boolean same(Path folder, Path other) {
        try {
            return Files.isSameFile(folder, other);
        } catch (IOException e) {
            return false;
        }
    }

    /** Entries of a folder by a glob pattern, sorted with numbers by their value; none where it cannot be read. */
    static List<Path> matches(Path folder, String pattern) {
        if (!Files.isDirectory(folder)) return List.of();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, pattern)) {
            List<Path> all = new ArrayList<>();
            entries.forEach(all::add);
            all.sort(Comparator.comparing(LibraryPlaces::sortKey));
            return all;
        } catch (IOException e) {
            return List.of();
        }
    }

    /** "cuda-9.2" before "cuda-13.0". */
    private static String sortKey(Path path) {
        return Pattern.compile("\\d+").matcher(path.getFileName().toString())
                .replaceAll(number -> "0".repeat(Math.max(0, 9 - number.group().length())) + number.group());
    }
}
