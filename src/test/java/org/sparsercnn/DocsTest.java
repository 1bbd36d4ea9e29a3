package org.sparsercnn;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.sparsercnn.app.Environment;
import org.sparsercnn.benchmarks.scale.Scaling;
import org.sparsercnn.cli.Main;
import org.sparsercnn.config.Config;
import org.sparsercnn.docs.DocCommands;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.ParseResult;

/**
 * What the pages say is so: commands parse, their overrides are keys of the config, links lead somewhere, files, classes, keys
 * and options that are named exist, code that is shown is the code, and messages in the list of troubles are the program's.
 */
class DocsTest {
    private static final List<Path> PAGES = pages();
    private static final List<Path> GENERATED = List.of(Path.of("docs/config.md"), Path.of("docs/ops.md"));
    private static final int WIDTH = 120;

    private static final Pattern FENCE = Pattern.compile("(?ms)^```(\\w*)\\n(.*?)^```$");
    private static final Pattern CODE = Pattern.compile("`([^`\\n]+)`");
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
    private static final Pattern HEADING = Pattern.compile("(?m)^#+ (.*)$");
    private static final Pattern OUR_FILE = Pattern.compile("(src|native|kernels|benchmarks|configs|docs|\\.ci)/[\\w./-]*");
    private static final Pattern OUR_CLASS = Pattern.compile("(?:(?:org\\.sparsercnn\\.)?([a-z]+(?:\\.[a-z]+)*)\\.)?([A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*)(?:\\.[a-z]\\w*)?");
    private static final Pattern KEY = Pattern.compile("[A-Z]{2,}[A-Z_]*(\\.[A-Za-z]\\w*)+");
    private static final Pattern OPTION = Pattern.compile("--[a-z][a-z-]*");

    /** Names of others' classes and of values that look like a class's. */
    private static final Set<String> FOREIGN_CLASSES = Set.of("DynamicHead", "RCNNHead", "ROIPooler", "SparseRCNN", "FrozenBN", "SyncBN",
            "HungarianMatcher", "SetCriterion", "SparseRCNNDatasetMapper", "AspectRatioGroupedDataset", "COCOEvaluator",
            "DetectionCheckpointer", "WarmupMultiStepLR", "Box2BoxTransform", "Linker", "SymbolLookup", "JCudaDriver", "JCublas2",
            "System", "Font", "True", "False", "Open", "OnFailure");
    /** Options of other programs. */
    private static final Set<String> FOREIGN_OPTIONS =
            Set.of("--webcam", "--video-input", "--logdir", "--bind-to", "--mca", "--host", "--signal", "--requeue", "--ntasks", "--ntasks-per-node",
                    "--gpus-per-task", "--cpus-per-task", "--mpi");

    private static List<Path> pages() {
        try (Stream<Path> docs = Files.list(Path.of("docs"))) {
            return Stream.concat(Stream.of("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "kernels/README.md", "native/README.md",
                    "datasets/README.md", "benchmarks/README.md").map(Path::of), docs.filter(f -> f.toString().endsWith(".md")).sorted()).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Path> handwritten() {
        return PAGES.stream().filter(page -> !GENERATED.contains(page)).toList();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String withoutFences(Path page) {
        return FENCE.matcher(read(page)).replaceAll("");
    }

    /** What stands in `single backquotes`, headings left out. */
    private static List<String> code(Path page) {
        return CODE.matcher(HEADING.matcher(withoutFences(page)).replaceAll("")).results().map(m -> m.group(1)).toList();
    }

    private static Stream<String> words(Path page) {
        return code(page).stream().flatMap(c -> Arrays.stream(c.split("[\\s,;:=()\\[\\]\"'…]+")));
    }

    private static Stream<MatchResult> fences(Path page, String language) {
        return FENCE.matcher(read(page)).results().filter(m -> m.group(1).equals(language));
    }

    private static List<List<String>> commands(Path page) {
        return DocCommands.on(page).stream().map(DocCommands.Command::words).toList();
    }

    @TestFactory
    Stream<DynamicTest> commandsOfTheProgramParse() {
        return handwritten().stream().flatMap(page -> commands(page).stream()
                .filter(c -> c.size() > 3 && c.get(1).equals("-jar") && c.get(2).endsWith("sparse-rcnn.jar"))
                .map(c -> DynamicTest.dynamicTest(page + ": " + String.join(" ", c.subList(3, c.size())), () -> {
                    ParseResult parsed = program().parseArgs(c.subList(3, c.size()).toArray(String[]::new));
                    if (parsed.hasSubcommand()) {
                        checkOverrides(parsed.subcommand());
                    }
                })));
    }

    /** Made by reflection: only the program itself starts commands. */
    private static CommandLine program() {
        try {
            var constructor = Main.class.getDeclaredConstructor(Environment.class);
            constructor.setAccessible(true);
            return new CommandLine(constructor.newInstance(new Environment(Map.of()))).setCaseInsensitiveEnumValuesAllowed(true);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    private static void checkOverrides(ParseResult command) {
        List<String> overrides = command.matchedArgs().stream().filter(arg -> arg.paramLabel().equals("KEY VALUE"))
                .map(ArgSpec::stringValues).flatMap(List::stream).toList();
        Path file = command.matchedOptionValue("--config-file", (Path) null);
        if (file != null && Files.exists(file)) {
            Config.load(file, overrides);
        } else {
            Config.defaults().with(overrides.toArray(String[]::new));
        }
    }

    @Test
    void thePagesHaveCommandsToParse() {
        assertThat(commandsOfTheProgramParse()).hasSizeGreaterThan(20);
    }

    @Test
    void mavenRunsTestsThatExist() {
        Set<String> tests = sources(Path.of("src/test/java"));
        assertThat(handwritten().stream().flatMap(page -> commands(page).stream()).flatMap(List::stream)
                .filter(word -> word.startsWith("-Dtest=")).map(word -> word.replaceAll("-Dtest=|'|#.*", ""))).isNotEmpty().isSubsetOf(tests);
    }

    @TestFactory
    Stream<DynamicTest> linksLeadSomewhere() {
        return PAGES.stream().map(page -> DynamicTest.dynamicTest(page.toString(), () -> {
            Path folder = page.getParent() == null ? Path.of("") : page.getParent();
            for (String link : LINK.matcher(withoutFences(page)).results().map(m -> m.group(1)).toList()) {
                if (link.matches("https?://.*")) {
                    continue;
                }
                String[] parts = link.split("#", 2);
                Path target = parts[0].isEmpty() ? page : folder.resolve(parts[0]).normalize();
                assertThat(target).as(link).exists();
                if (parts.length == 2) {
                    assertThat(anchors(target)).as(link).contains(parts[1]);
                }
            }
        }));
    }

    /** As GitHub names headings. */
    private static Set<String> anchors(Path page) {
        return HEADING.matcher(withoutFences(page)).results()
                .map(m -> m.group(1).toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N} _-]", "").replace(' ', '-')).collect(Collectors.toSet());
    }

    @TestFactory
    Stream<DynamicTest> filesThatAreNamedExist() {
        return handwritten().stream().map(page -> DynamicTest.dynamicTest(page.toString(), () ->
                Stream.concat(words(page), commands(page).stream().flatMap(List::stream)).filter(w -> OUR_FILE.matcher(w).matches())
                        .forEach(file -> assertThat(Path.of(file)).exists())));
    }

    /** {@code Training}, {@code train.Trainer} and {@code Tape.record}. */
    @TestFactory
    Stream<DynamicTest> classesThatAreNamedExist() {
        Set<String> known = sources(Path.of("src"), Path.of("benchmarks/src"));
        return handwritten().stream().map(page -> DynamicTest.dynamicTest(page.toString(), () ->
                Stream.concat(words(page), commands(page).stream().flatMap(List::stream)).forEach(word -> {
                    var m = OUR_CLASS.matcher(word);
                    if (m.matches() && !FOREIGN_CLASSES.contains(m.group(2)) && !m.group(2).matches("[A-Z][A-Z0-9_]+")) {
                        String name = m.group(1) == null ? m.group(2) : "org.sparsercnn." + m.group(1) + "." + m.group(2);
                        assertThat(known.contains(name)).as("a class %s, named in %s", name, page).isTrue();
                    }
                })));
    }

    /** Simple and full names of all classes under the folders. */
    private static Set<String> sources(Path... folders) {
        Set<String> names = new HashSet<>();
        for (Path folder : folders) {
            try (Stream<Path> files = Files.walk(folder)) {
                files.map(Path::toString).filter(f -> f.endsWith(".java")).forEach(f -> {
                    String full = f.substring(f.indexOf("java/") + 5, f.length() - ".java".length()).replace('/', '.');
                    names.add(full);
                    names.add(full.substring(full.lastIndexOf('.') + 1));
                });
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return names;
    }

    @TestFactory
    Stream<DynamicTest> keysThatAreNamedExist() {
        Set<String> known = CODE.matcher(read(Path.of("docs/config.md"))).results().map(m -> m.group(1)).collect(Collectors.toSet());
        Set<String> sections = known.stream().flatMap(key -> Stream.iterate(key, k -> k.contains("."), k -> k.substring(0, k.lastIndexOf('.'))))
                .collect(Collectors.toSet());
        return handwritten().stream().map(page -> DynamicTest.dynamicTest(page.toString(), () ->
                words(page).filter(w -> KEY.matcher(w).matches() && !w.matches(".*\\.(md|txt|json|gz)")).forEach(key ->
                        assertThat(sections.stream().anyMatch(k -> k.equals(key) || k.endsWith("." + key)))
                                .as("a key %s, named in %s", key, page).isTrue())));
    }

    @TestFactory
    Stream<DynamicTest> optionsThatAreNamedExist() {
        Set<String> known = new TreeSet<>(FOREIGN_OPTIONS);
        CommandLine program = program();
        Stream.concat(Stream.of(program, Scaling.command()), program.getSubcommands().values().stream())
                .forEach(c -> c.getCommandSpec().options().forEach(o -> known.addAll(List.of(o.names()))));
        return handwritten().stream().filter(page -> !page.startsWith("benchmarks")).map(page -> DynamicTest.dynamicTest(page.toString(), () ->
                words(page).filter(w -> OPTION.matcher(w).matches()).forEach(option ->
                        assertThat(known.contains(option)).as("an option %s, named in %s", option, page).isTrue())));
    }

    /** The table of packages says what ArchitectureTest enforces. */
    @Test
    void importsAreThoseOfTheTest() {
        String test = read(Path.of("src/test/java/org/sparsercnn/ArchitectureTest.java"));
        Map<String, Set<String>> enforced = new TreeMap<>();
        Pattern.compile("(?m)^        row(OfAllAbove)?\\(\"([a-z.]+)\"((?:, \"[a-z.]+\")*)\\)").matcher(test).results()
                .forEach(m -> enforced.put(m.group(2), m.group(1) == null ? quoted(m.group(3)) : new TreeSet<>(Set.of("all above"))));
        Pattern.compile("\"([a-z.]+)\", List.of\\(((?:\"[a-z.]+\"(?:, )?)+)\\)").matcher(test).results()
                .forEach(m -> enforced.get(m.group(1)).addAll(quoted(m.group(2))));
        Map<String, Set<String>> said = new TreeMap<>();
        Pattern.compile("(?m)^\\| (`[a-z.]+`(?:, `[a-z.]+`)*) \\| [^|]* \\| ([a-z., ;]+|–)[¹²]? \\|$").matcher(read(Path.of("ARCHITECTURE.md")))
                .results().forEach(m -> CODE.matcher(m.group(1)).results().forEach(name -> said.put(name.group(1), m.group(2).equals("–")
                        ? Set.of() : new TreeSet<>(List.of(m.group(2).split("[,;] "))))));
        assertThat(said).isEqualTo(enforced);
    }

    private static Set<String> quoted(String list) {
        return Pattern.compile("\"([^\"]+)\"").matcher(list).results().map(m -> m.group(1)).collect(Collectors.toCollection(TreeSet::new));
    }

    /** A block of code that begins with a comment naming a file is in that file, but for line breaks and indentation. */
    @TestFactory
    Stream<DynamicTest> codeThatIsShownIsTheCode() {
        return handwritten().stream().flatMap(page -> Stream.of("java", "cpp").flatMap(language -> fences(page, language)).map(m -> {
            String[] parts = m.group(2).split("\\n", 2);
            assertThat(parts[0]).as("%s: a block's first line names its file", page).startsWith("// ");
            Path file = Path.of(parts[0].substring(3).strip());
            return DynamicTest.dynamicTest(page + ": " + file, () -> assertThat(oneLine(read(file))).contains(oneLine(parts[1])));
        }));
    }

    private static String oneLine(String code) {
        return code.strip().replaceAll("\\s+", " ");
    }

    /** The quoted headings of the list of troubles; … stands for what varies. */
    @Test
    void messagesAreTheProgramsOwn() throws IOException {
        StringBuilder own = new StringBuilder(read(Path.of("native/build.sh"))).append(read(Path.of("pom.xml")));
        for (Path folder : List.of(Path.of("src/main/java"), Path.of("src/launcher/java"))) {
            try (Stream<Path> files = Files.walk(folder)) {
                files.filter(f -> f.toString().endsWith(".java")).forEach(f -> own.append(read(f)));
            }
        }
        String program = own.toString().replaceAll("\"\\s*\\+\\s*\"", "").replace("\\\"", "\"");
        List<String> messages = HEADING.matcher(read(Path.of("docs/troubleshooting.md"))).results().map(m -> m.group(1))
                .filter(h -> h.matches("`.{6,}`")).map(h -> h.substring(1, h.length() - 1)).toList();
        assertThat(messages).hasSizeGreaterThan(30);
        for (String message : messages) {
            for (String part : message.split("…")) {
                String words = part.replaceAll("^[\\s;:,.]+|[\\s;:,.]+$", "");
                assertThat(program.contains(words)).as("the program says \"%s\" of \"%s\"", words, message).isTrue();
            }
        }
    }

    @TestFactory
    Stream<DynamicTest> linesFitOnAScreen() {
        return handwritten().stream().filter(page -> !page.startsWith("datasets") && !page.startsWith("benchmarks"))
                .map(page -> DynamicTest.dynamicTest(page.toString(), () -> assertThat(read(page).lines()).allMatch(line -> line.length() <= WIDTH)));
    }
}
