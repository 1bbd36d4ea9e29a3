package org.sparsercnn.ffi.cuda;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.sparsercnn.ffi.cuda.LibraryPlaces.Place;
import org.sparsercnn.util.BadInput;

/**
 * Finds NVIDIA's libraries and loads them. In turn: the folders of {@code -Dsparsercnn.cuda.path=FOLDER[:FOLDER...]}, the loader's
 * own path, CUDA_HOME and toolkits, the system's folders, and the {@code nvidia/<package>/lib} folders of Python environments, where
 * {@code pip install} puts them. A newer major version anywhere comes before an older one, except that the named folders come first.
 */
public final class CudaLibraries {
    public static final String PATH_PROPERTY = "sparsercnn.cuda.path";

    private static final String DRIVER = "Install the NVIDIA driver, 580 or newer; in a container, start it with the NVIDIA Container"
            + " Toolkit (docker run --gpus all)";

    /** What can be looked for. */
    public enum Library {
        CUDA("CUDA driver", "libcuda.so", DRIVER, 1),
        NVML("NVML", "libnvidia-ml.so", DRIVER, 1),
        CUBLAS_LT("cuBLASLt", "libcublasLt.so", "pip install nvidia-cublas, or the CUDA toolkit's package libcublas-13-0", 13, 12),
        CUBLAS("cuBLAS", "libcublas.so", "pip install nvidia-cublas, or the CUDA toolkit's package libcublas-13-0", 13, 12),
        CUDNN("cuDNN", "libcudnn.so", "pip install nvidia-cudnn-cu13, or NVIDIA's package cudnn9-cuda-13", 9),
        NVRTC("NVRTC", "libnvrtc.so", "pip install nvidia-cuda-nvrtc, or the CUDA toolkit's package cuda-nvrtc-13-0", 13, 12),
        NCCL("NCCL", "libnccl.so", "pip install nvidia-nccl-cu13, or NVIDIA's package libnccl2", 2);

        private final String title;
        private final String stem;
        private final String remedy;
        private final List<Integer> majors;

        Library(String title, String stem, String remedy, Integer... majors) {
            this.title = title;
            this.stem = stem;
            this.remedy = remedy;
            this.majors = List.of(majors);
        }

        /** For people: "cuDNN". */
        public String title() {
            return title;
        }

        /** What to do where there is none. */
        public String remedy() {
            return remedy;
        }

        private String soname(int major) {
            return stem + "." + major;
        }

        /** The driver's own libraries never lie among Python packages. */
        private boolean ofDriver() {
            return this == CUDA || this == NVML;
        }
    }

    /** What a search ends with. */
    public sealed interface Search permits Found, Missing {}

    /**
     * A library, loaded for the life of the process.
     *
     * @param file where it lies, links resolved: its name tells the full version where NVIDIA put it there
     * @param major of its soname, 13 for libcublas.so.13
     * @param also other files of this library that were passed over
     * @param notes what is amiss with libraries that it opens by itself, for {@code doctor}
     */
    public record Found(Library library, Path file, int major, SymbolLookup symbols, List<Path> also, List<String> notes)
            implements Search {}

    /**
     * @param majors that would have done
     * @param looked every folder looked in
     * @param refused files that exist, or bare names, with the loader's words about each
     * @param otherMajors files of a version that cannot be used
     */
    public record Missing(Library library, List<Integer> majors, List<Place> looked, Map<String, String> refused, List<Path> otherMajors)
            implements Search {
        /** Everything a user needs to know, remedy included. */
        public String message() {
            String wanted = majors.stream().map(library::soname).collect(Collectors.joining(" or "));
            StringBuilder text = new StringBuilder("No usable " + library.title + " (" + wanted + ") was found");
            otherMajors.forEach(file -> text.append("\n  another version: ").append(file).append(", wanted ").append(wanted));
            refused.forEach((file, words) -> text.append("\n  ").append(words.contains(file) ? words : file + ": " + words));
            Map<String, List<String>> folders = looked.stream().collect(Collectors.groupingBy(Place::why, LinkedHashMap::new,
                    Collectors.mapping(place -> place.folder().toString(), Collectors.toList())));
            folders.forEach((why, list) -> text.append("\n  looked in (").append(why).append("): ").append(String.join(", ", list)));
            return text + "\n" + library.remedy + ", or name its folder with -D" + PATH_PROPERTY + "=FOLDER";
        }
    }

    private final LibraryPlaces places;

    CudaLibraries(LibraryPlaces places) {
        this.places = places;
    }

    public static CudaLibraries ofThisMachine() {
        return new CudaLibraries(LibraryPlaces.ofThisMachine());
    }

    /** @throws BadInput where it is missing: what was looked for, where, the loader's words and the remedy */
    public Found require(Library library) {
        return switch (find(library)) {
            case Found found -> found;
            case Missing missing -> throw new BadInput(missing.message());
        };
    }

    /** Looks for a library and loads the first that the loader takes, with the libraries that it opens by itself. */
    public Search find(Library library) {
        return find(library, library.majors);
    }

    /** As {@link #find(Library)}, of one version alone: JCuda's cuBLAS needs that of CUDA 12. */
    public Search find(Library library, int major) {
        return find(library, List.of(major));
    }

    private Search find(Library library, List<Integer> majors) {
        Map<String, String> refused = new LinkedHashMap<>();
        List<Place> all = Stream.concat(places.named().stream(), usual(library).stream()).toList();
        return first(library, majors, refused).<Search>map(candidate -> found(library, candidate, all))
                .orElseGet(() -> new Missing(library, majors, all, refused, otherMajors(library, majors, all)));
    }

    private record Candidate(DynamicLoader.Loaded loaded, int major) {}

    private Optional<Candidate> first(Library library, List<Integer> majors, Map<String, String> refused) {
        for (var names : List.<IntFunction<List<String>>>of(major -> namedFiles(library, major), major -> usualNames(library, major))) {
            for (int major : majors) {
                var loaded = load(library, major, names.apply(major), refused);
                if (loaded.isPresent()) return Optional.of(new Candidate(loaded.get(), major));
            }
        }
        return Optional.empty();
    }

    private Optional<DynamicLoader.Loaded> load(Library library, int major, List<String> names, Map<String, String> refused) {
        for (String name : names) {
            try {
                if (library == Library.CUBLAS && name.contains("/")) loadLtFor(Path.of(name), major);
                DynamicLoader.Loaded loaded = DynamicLoader.load(name);
                if (library == Library.NVRTC) loadBuiltinsOf(loaded.file(), major);
                return Optional.of(loaded);
            } catch (DynamicLoader.Refused e) {
                refused.put(name, e.getMessage());
            }
        }
        return Optional.empty();
    }

    private List<Place> usual(Library library) {
        return library.ofDriver() ? places.system() : Stream.concat(places.system().stream(), places.python().stream()).toList();
    }

    private List<String> namedFiles(Library library, int major) {
        return files(places.named(), library.soname(major));
    }

    private List<String> usualNames(Library library, int major) {
        return Stream.concat(Stream.of(library.soname(major)), files(usual(library), library.soname(major)).stream()).toList();
    }

    private static List<String> files(List<Place> places, String name) {
        return places.stream().map(place -> place.folder().resolve(name)).filter(Files::exists).map(Path::toString).toList();
    }

    /** cuBLAS needs cuBLASLt of its own version: the one beside it, or wherever there is one. */
    private void loadLtFor(Path cublas, int major) throws DynamicLoader.Refused {
        Path beside = cublas.resolveSibling(Library.CUBLAS_LT.soname(major));
        if (Files.exists(beside)) DynamicLoader.load(beside.toString());
        else preload(Library.CUBLAS_LT, major);
    }

    /** NVRTC opens these by name and has no path of its own. */
    private static void loadBuiltinsOf(Path nvrtc, int major) throws DynamicLoader.Refused {
        for (Path builtins : LibraryPlaces.matches(nvrtc.toAbsolutePath().getParent(), "libnvrtc-builtins.so." + major + "*")) {
            DynamicLoader.load(builtins.toString());
        }
    }

    /** Loads one version of a library, so that others find it by its name. @return whether there is one */
    private boolean preload(Library library, int major) {
        List<String> names = Stream.concat(namedFiles(library, major).stream(), usualNames(library, major).stream()).toList();
        return load(library, major, names, new LinkedHashMap<>()).isPresent();
    }

    private Found found(Library library, Candidate candidate, List<Place> all) {
        Path file = real(candidate.loaded.file());
        Set<Path> also = new LinkedHashSet<>();
        for (int major : library.majors) {
            files(all, library.soname(major)).forEach(other -> also.add(real(Path.of(other))));
        }
        also.remove(file);
        List<String> notes = library == Library.CUDNN ? loadWhatCudnnOpens(candidate.loaded.symbols()) : List.of();
        return new Found(library, file, candidate.major, candidate.loaded.symbols(), List.copyOf(also), notes);
    }

    /**
     * cuDNN opens cuBLASLt and NVRTC by name when an engine needs them, and looks only beside itself and in the folders of the
     * packages it is published with. Loading them first lets them lie anywhere.
     *
     * @return what could not be found
     */
    private List<String> loadWhatCudnnOpens(SymbolLookup cudnn) {
        Optional<MemorySegment> cudart = cudnn.find("cudnnGetCudartVersion");
        if (cudart.isEmpty()) return List.of();
        int major = (int) (DynamicLoader.call(cudart.get()) / 1000);
        return Stream.of(Library.CUBLAS_LT, Library.NVRTC).filter(wanted -> !preload(wanted, major))
                .map(wanted -> "this cuDNN, built with CUDA " + major + ", uses " + wanted.soname(major) + " in some of its engines, and"
                        + " there is none: " + wanted.remedy).toList();
    }

    private static List<Path> otherMajors(Library library, List<Integer> majors, List<Place> folders) {
        Set<Path> files = new LinkedHashSet<>();
        for (Place place : folders) {
            for (Path file : LibraryPlaces.matches(place.folder(), library.stem + ".[0-9]*")) {
                String version = file.getFileName().toString().substring(library.stem.length() + 1);
                if (version.matches("\\d+") && !majors.contains(Integer.valueOf(version))) files.add(file);
            }
        }
        return List.copyOf(files);
    }

    private static Path real(Path file) {
        try {
            return file.toRealPath();
        } catch (IOException e) {
            return file;
        }
    }
}
