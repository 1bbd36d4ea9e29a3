package org.sparsercnn.kernels;

import static java.util.stream.Collectors.toCollection;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.sparsercnn.device.Kernel;

/** What the source tree says about kernels: the files of {@code kernels/} and the constants of the Java classes. */
public final class KernelSources {
    private static final Path JAVA = Path.of("src/main/java");
    private static final Pattern DEFINITION = Pattern.compile("(?m)^KERNEL(_T|_OF)?\\((\\w+), \\w+(?:, \\d+, \\d+)?\\) \\{");

    private KernelSources() {}

    /** A {@link Kernel} constant and the class whose file it stands in. */
    public record Declared(Class<?> owner, Kernel kernel) {}

    /** Names of the kernels a file defines, by the file's name without {@code .cu}; of a {@code KERNEL_T} the one over fp32. */
    public static SortedMap<String, List<String>> defined() {
        SortedMap<String, List<String>> kernels = new TreeMap<>();
        for (Path file : files(Path.of("kernels"), ".cu")) {
            String source = read(file);
            List<String> names = DEFINITION.matcher(source).results().map(m -> "_T".equals(m.group(1)) ? m.group(2) + "_f32" : m.group(2)).toList();
            if (names.size() != source.split("\\bKERNEL(?:_T|_OF)?\\(", -1).length - 1) {
                throw new AssertionError(file + ": a kernel begins with KERNEL(name, Args) { at the start of a line");
            }
            kernels.put(stem(file), names);
        }
        return kernels;
    }

    /** The constants of all classes, wherever they lie. */
    public static List<Declared> declared() {
        List<Declared> all = new ArrayList<>();
        for (Path file : files(JAVA, ".java")) {
            if (read(file).contains("Kernel.of(")) {
                addConstants(all, classOf(file), classOf(file));
            }
        }
        return all;
    }

    private static void addConstants(List<Declared> all, Class<?> owner, Class<?> type) {
        for (Field field : type.getDeclaredFields()) {
            if (field.getType() == Kernel.class && java.lang.reflect.Modifier.isStatic(field.getModifiers())) {
                try {
                    field.setAccessible(true);
                    all.add(new Declared(owner, (Kernel) field.get(null)));
                } catch (IllegalAccessException e) {
                    throw new AssertionError(e);
                }
            }
        }
        for (Class<?> nested : type.getDeclaredClasses()) {
            addConstants(all, owner, nested);
        }
    }

    /** The classes of a package, by name. */
    public static List<Class<?>> classes(String subPackage) {
        Path folder = JAVA.resolve("org/sparsercnn").resolve(subPackage);
        return files(folder, ".java").stream().<Class<?>>map(KernelSources::classOf).toList();
    }

    /** The kernel file of a class: {@code RoiAlign} has {@code roi_align}. */
    public static Optional<String> fileOf(Class<?> type) {
        String name = type.getSimpleName().toLowerCase(Locale.ROOT);
        return defined().keySet().stream().filter(file -> file.replace("_", "").equals(name)).findFirst();
    }

    /** First sentence of a class's Javadoc as Markdown. */
    public static String summary(Class<?> type) {
        String source = read(JAVA.resolve(type.getName().replace('.', '/') + ".java"));
        MatchResult doc = Pattern.compile("/\\*\\*((?:(?!\\*/).)*)\\*/\\s*(?:public )?(?:final |sealed |abstract )*(?:class|record|interface|enum) "
                + type.getSimpleName() + "\\b", Pattern.DOTALL).matcher(source).results().findFirst()
                .orElseThrow(() -> new AssertionError(type + " has no Javadoc"));
        String text = doc.group(1).replaceAll("(?m)^\\s*\\*", "").replaceAll("(?s)<p>.*|\n\\s*@.*", "").replaceAll("\\s+", " ").strip();
        return text.replaceAll("\\. (?=[A-Z{]).*", ".").replaceAll("\\{@code (.*?)}", "`$1`").replaceAll("\\{@link #?(.*?)}", "`$1`");
    }

    private static List<Path> files(Path folder, String ending) {
        try (Stream<Path> all = Files.walk(folder)) {
            return List.copyOf(all.filter(file -> file.toString().endsWith(ending)).collect(toCollection(TreeSet::new)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Class<?> classOf(Path file) {
        try {
            return Class.forName(JAVA.relativize(file).toString().replace(".java", "").replace('/', '.'));
        } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }

    private static String stem(Path file) {
        return file.getFileName().toString().replace(".cu", "");
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
