import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/**
 * Packs the portable distribution: a Java runtime, the jars, what the GPU checklist needs, in one .tar.xz. Run by
 * {@code mvn -Pdist package} as a source file, from the project's folder, with its version as the argument.
 *
 * <p>Jars and runtime are stored without compression, since xz does better on the whole.
 */
final class Dist {
    private static final Path TARGET = Path.of("target");
    private static final long MOST_BYTES = 38_000_000;
    /** What {@code jdeps --print-module-deps} says of the jar, with TLS curves, MBeans for memory, Unsafe for libraries, and jars
     * as file systems for the selftest. */
    private static final String MODULES =
            "java.base,java.desktop,java.management,java.naming,java.net.http,jdk.crypto.ec,jdk.management,jdk.unsupported,jdk.zipfs";

    private Dist() {}

    public static void main(String[] args) throws Exception {
        if (!Files.exists(TARGET.resolve("native/linux-x86_64/kernels.fatbin"))) {
            System.err.println("The portable distribution is for machines with a GPU: it needs nvcc (CUDA toolkit 13) to build the kernels.");
            System.exit(1);
        }
        Path root = TARGET.resolve("dist/sparse-rcnn-" + args[0]);
        delete(TARGET.resolve("dist"));
        Files.createDirectories(root.resolve("lib"));
        runtime(root.resolve("runtime"));
        for (String jar : List.of("sparse-rcnn.jar", "sparse-rcnn-selftest.jar")) {
            store(TARGET.resolve(jar), root.resolve("lib").resolve(jar));
        }
        store(TARGET.resolve("thin/benchmarks.jar"), root.resolve("lib/benchmarks.jar"));
        copy(Path.of("src/dist/sparse-rcnn"), root.resolve("bin/sparse-rcnn"));
        copy(Path.of("src/dist/README.txt"), root.resolve("README.txt"));
        copy(Path.of("LICENSE"), root.resolve("LICENSE"));
        tree(Path.of("configs"), root.resolve("configs"));
        tree(Path.of("benchmarks/gpu"), root.resolve("gpu"));
        tree(Path.of("benchmarks/peer"), root.resolve("gpu/peer"));
        Path archive = TARGET.resolve(root.getFileName() + "-linux-x86_64.tar.xz");
        run(List.of("tar", "-C", TARGET.resolve("dist").toString(), "--owner=0", "--group=0", "--sort=name", "-I",
                "xz --x86 --lzma2=preset=9e,dict=128MiB", "-cf", archive.toString(), root.getFileName().toString()));
        long bytes = Files.size(archive);
        System.out.printf("%s: %.1f MB%n", archive, bytes / 1e6);
        if (bytes > MOST_BYTES) {
            System.err.printf("It may be at most %.0f MB.%n", MOST_BYTES / 1e6);
            System.exit(1);
        }
    }

    private static void runtime(Path to) throws Exception {
        tool("jlink", "--add-modules", MODULES, "--strip-debug", "--no-header-files", "--no-man-pages", "--compress", "zip-0",
                "--output", to.toString());
        List<String> strip = new ArrayList<>(List.of("strip", "--strip-unneeded"));
        try (Stream<Path> files = Files.walk(to)) {
            files.map(Path::toString).filter(name -> name.endsWith(".so")).forEach(strip::add);
        }
        run(strip);
        // No sound, windows, fonts (labels are drawn with strokes of our own), filters of java.awt.image; no building with it.
        for (String unused : List.of("libsplashscreen.so", "libjsound.so", "libawt_xawt.so", "libfontmanager.so", "libfreetype.so", "libmlib_image.so",
                "jrt-fs.jar", "classlist")) {
            Files.deleteIfExists(to.resolve("lib").resolve(unused));
        }
    }

    /** The same jar with nothing compressed. */
    private static void store(Path from, Path to) throws Exception {
        Path folder = Files.createTempDirectory("jar");
        Path absolute = from.toAbsolutePath();
        tool("jar", "--extract", "--file", absolute.toString(), "--dir", folder.toString());
        Path manifest = folder.resolve("META-INF/MANIFEST.MF");
        Path moved = Files.move(manifest, Files.createTempFile("manifest", ""), StandardCopyOption.REPLACE_EXISTING);
        tool("jar", "--create", "--no-compress", "--file", to.toString(), "--manifest", moved.toString(), "-C", folder.toString(), ".");
        delete(folder);
        Files.delete(moved);
    }

    private static void tool(String name, String... args) {
        int code = ToolProvider.findFirst(name).orElseThrow().run(System.out, System.err, args);
        if (code != 0) {
            throw new IllegalStateException(name + " failed: " + code);
        }
    }

    private static void run(List<String> command) throws Exception {
        int code = new ProcessBuilder(command).inheritIO().start().waitFor();
        if (code != 0) {
            throw new IllegalStateException(command.getFirst() + " failed: " + code);
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to.getParent());
        Files.copy(from, to, StandardCopyOption.COPY_ATTRIBUTES);
    }

    private static void tree(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.filter(Files::isRegularFile).filter(f -> !f.toString().contains("__pycache__")).toList()) {
                copy(file, to.resolve(from.relativize(file)));
            }
        }
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, IOException e) throws IOException {
                Files.delete(directory);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
