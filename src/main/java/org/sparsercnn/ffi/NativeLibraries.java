package org.sparsercnn.ffi;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.sparsercnn.util.BadInput;

/**
 * The native libraries that come with the program: found, unpacked where need be, and loaded.
 *
 * <p>They lie on the class path under {@code native/linux-x86_64}. From a folder of classes they are used where they are,
 * from the jar through {@link NativeCache}. {@code -Dsparsercnn.native.dir=FOLDER} takes them from that folder instead.
 *
 * <table>
 * <caption>Names</caption>
 * <tr><td>{@code sparsercnn}</td><td>the CPU kernels for this processor ({@code -Dsparsercnn.isa=v3|v4} insists on one)</td></tr>
 * <tr><td>{@code openblas}</td><td>OpenBLAS with the Fortran libraries it needs</td></tr>
 * <tr><td>{@code kernels.fatbin}</td><td>a name with a dot is that of a file</td></tr>
 * <tr><td>any other</td><td>{@code lib<name>.so}</td></tr>
 * </table>
 */
public final class NativeLibraries {
    private static final String FOLDER = "/native/linux-x86_64/";
    private static final String HASHES = "SHA256SUMS";
    private static final String GLIBC_FLOOR = "2.34";
    private static final String OPENBLAS = "libopenblas.so.0";
    /** What the loader must find beside a library: OpenBLAS looks for its own in its folder (RUNPATH $ORIGIN). */
    private static final Map<String, List<String>> COMPANIONS =
            Map.of(OPENBLAS, List.of(OPENBLAS, "libgfortran.so.5", "libquadmath.so.0"));

    /** A library stays loaded for the life of the JVM. */
    private static final Map<String, SymbolLookup> OPEN = new ConcurrentHashMap<>();

    private NativeLibraries() {}

    /**
     * Loads a library, once per JVM.
     *
     * @throws BadInput where this build has none of that name, or this machine cannot load it: with the loader's words
     */
    public static SymbolLookup open(String name) {
        return OPEN.computeIfAbsent(name, NativeLibraries::load);
    }

    private static SymbolLookup load(String name) {
        Path file = locate(name);
        try {
            System.load(file.toString()); // unlike SymbolLookup it says why it fails
        } catch (UnsatisfiedLinkError e) {
            throw new BadInput(explain(file, e.getMessage(), Libc.glibcVersion()), e);
        }
        return SymbolLookup.libraryLookup(file, Arena.global());
    }

    /** The file of a library, or another native file, as a path that the system's loader can use. */
    public static Path locate(String name) {
        return find(name).orElseThrow(() -> BadInput.of("%s is not in this build; build it again where its compiler is installed", fileName(name)));
    }

    /** As {@link #locate}; empty where this build has no such file, as {@code kernels.fatbin} where nvcc was missing. */
    public static Optional<Path> find(String name) {
        if (!isLinuxX64()) {
            throw BadInput.of("The native libraries are built for Linux on x86-64; this is %s on %s", System.getProperty("os.name"),
                    System.getProperty("os.arch"));
        }
        String file = fileName(name);
        String chosen = System.getProperty("sparsercnn.native.dir");
        if (chosen != null) {
            Path path = Path.of(chosen, file).toAbsolutePath();
            if (!Files.isRegularFile(path)) throw BadInput.of("-Dsparsercnn.native.dir=%s: no %s there", chosen, file);
            return Optional.of(path);
        }
        URL resource = NativeLibraries.class.getResource(FOLDER + file);
        if (resource == null) return Optional.empty();
        if (resource.getProtocol().equals("file")) return Optional.of(Path.of(URI.create(resource.toString())));
        return Optional.of(cache().unpack(COMPANIONS.getOrDefault(file, List.of(file))).resolve(file));
    }

    /** The instruction set the CPU kernels are taken for: this processor's best, or the one of {@code -Dsparsercnn.isa}. */
    public static CpuFeatures.Isa isa() {
        return CpuFeatures.ofThisMachine().isa(System.getProperty("sparsercnn.isa"));
    }

    private static boolean isLinuxX64() {
        return System.getProperty("os.name").equals("Linux") && System.getProperty("os.arch").equals("amd64");
    }

    private static String fileName(String name) {
        return switch (name) {
            case "sparsercnn" -> "libsparsercnn-" + isa() + ".so";
            case "openblas" -> OPENBLAS;
            default -> name.contains(".") ? name : "lib" + name + ".so";
        };
    }

    private static NativeCache cache() {
        try (InputStream in = resource(HASHES)) {
            byte[] hashes = in.readAllBytes();
            Map<String, String> sha256 = new String(hashes, StandardCharsets.UTF_8).lines().map(line -> line.split(" +"))
                    .collect(Collectors.toMap(fields -> fields[1], fields -> fields[0]));
            String version = NativeCache.hash(new ByteArrayInputStream(hashes)).substring(0, 16);
            return new NativeCache(NativeCache.basesOfThisUser(), version, sha256, NativeLibraries::resource);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static InputStream resource(String name) throws IOException {
        InputStream in = NativeLibraries.class.getResourceAsStream(FOLDER + name);
        if (in == null) throw new IOException(name + " is not in the jar");
        return in;
    }

    /** Why the loader refused, in the loader's words, and what to do about it. */
    static String explain(Path file, String loader, Optional<String> glibc) {
        String remedy;
        if (glibc.isEmpty()) {
            remedy = "This system's C library is not GLIBC; use a distribution with GLIBC " + GLIBC_FLOOR + " or newer";
        } else if (loader.contains("GLIBC_")) {
            remedy = "GLIBC " + GLIBC_FLOOR + " or newer is needed, found " + glibc.get() + "; use Debian 12, Ubuntu 22.04, RHEL 9 or newer";
        } else if (loader.contains("cannot open shared object file")) {
            remedy = "Install the library that is named there";
        } else {
            remedy = "-Dsparsercnn.native.dir=FOLDER takes the libraries from a folder of yours";
        }
        return file.getFileName() + " cannot be loaded: " + loader + ". " + remedy;
    }
}
