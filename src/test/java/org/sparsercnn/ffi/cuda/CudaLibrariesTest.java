package org.sparsercnn.ffi.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.ffi.NativeLibraries;
import org.sparsercnn.ffi.cuda.CudaLibraries.Found;
import org.sparsercnn.ffi.cuda.CudaLibraries.Library;
import org.sparsercnn.ffi.cuda.CudaLibraries.Missing;
import org.sparsercnn.ffi.cuda.LibraryPlaces.Place;
import org.sparsercnn.util.BadInput;

class CudaLibrariesTest {
    @TempDir
    private Path temporary;
    private Path root;
    private Path home;

    @BeforeEach
    void makeTree() throws IOException {
        root = folder(temporary.toRealPath().resolve("root"));
        home = folder(temporary.toRealPath().resolve("home"));
    }

    private static Path folder(Path path) throws IOException {
        return Files.createDirectories(path);
    }

    /** A library that can be loaded; it has no soname, so that no one meets it by name. */
    private static Path library(Path file) throws IOException {
        folder(file.getParent());
        return Files.copy(NativeLibraries.locate("sparsercnn-emulated"), file);
    }

    private LibraryPlaces places(Map<String, String> variables, Path... named) {
        String path = String.join(":", List.of(named).stream().map(Path::toString).toList());
        return new LibraryPlaces(variables, path.isEmpty() ? null : path, home, root);
    }

    private Found found(Library library, Path... named) {
        return new CudaLibraries(places(Map.of(), named)).require(library);
    }

    private static List<Path> folders(List<Place> places) {
        return places.stream().map(Place::folder).toList();
    }

    /** Tests of what is missing need a machine where the loader has none. */
    private static void assumeNone(String soname) {
        try {
            DynamicLoader.load(soname);
            assumeTrue(false, soname + " is installed here");
        } catch (DynamicLoader.Refused e) {
            assertThat(e).hasMessageContaining(soname).hasMessageContaining("No such file");
        }
    }

    @Test
    void namedFoldersComeFirstAndTheOthersAreTold() throws IOException {
        Path system = library(root.resolve("usr/lib64/libnccl.so.2"));
        Path toolkit = library(root.resolve("usr/local/cuda/lib64/libnccl.so.2"));
        Path mine = library(temporary.toRealPath().resolve("mine/libnccl.so.2"));
        Found found = found(Library.NCCL, temporary.resolve("nosuch"), mine.getParent());
        assertThat(found.file()).isEqualTo(mine);
        assertThat(found.major()).isEqualTo(2);
        assertThat(found.also()).containsExactly(toolkit, system);
        assertThat(found.notes()).isEmpty();
        assertThat(found.symbols().find("selftest_sound")).isPresent();
        assertThat(found.symbols().find("nosuch")).isEmpty();
    }

    @Test
    void anOlderMajorInANamedFolderBeatsANewerOneElsewhere() throws IOException {
        Path mine = temporary.toRealPath().resolve("mine");
        library(mine.resolve("libnvrtc.so.12"));
        library(root.resolve("usr/lib64/libnvrtc.so.13"));
        assertThat(found(Library.NVRTC, mine).major()).isEqualTo(12);
        library(mine.resolve("libnvrtc.so.13"));
        assertThat(found(Library.NVRTC, mine).file()).isEqualTo(mine.resolve("libnvrtc.so.13"));
        assertThat(new CudaLibraries(places(Map.of(), mine)).find(Library.NVRTC, 12)).isInstanceOfSatisfying(Found.class, found -> {
            assertThat(found.file()).isEqualTo(mine.resolve("libnvrtc.so.12"));
            assertThat(found.also()).contains(mine.resolve("libnvrtc.so.13"));
        });
    }

    @Test
    void aLibraryThatTheLoaderRefusesIsPassedOver() throws IOException {
        Path broken = folder(temporary.toRealPath().resolve("broken"));
        Files.writeString(broken.resolve("libcudnn.so.9"), "not a library");
        Path good = library(temporary.toRealPath().resolve("good/libcudnn.so.9"));
        assertThat(found(Library.CUDNN, broken, good.getParent()).file()).isEqualTo(good);
    }

    @Test
    void cublasIsLoadedAfterTheLtBesideIt() throws IOException {
        Path mine = temporary.toRealPath().resolve("mine");
        Path blas = library(mine.resolve("libcublas.so.13"));
        Files.writeString(mine.resolve("libcublasLt.so.13"), "not a library");
        assumeNone("libcublas.so.13");
        assumeNone("libcublas.so.12");
        assertThatThrownBy(() -> found(Library.CUBLAS, mine)).isInstanceOf(BadInput.class)
                .hasMessageContaining("libcublasLt.so.13: file too short");
        Files.delete(mine.resolve("libcublasLt.so.13"));
        library(mine.resolve("libcublasLt.so.13"));
        assertThat(found(Library.CUBLAS, mine).file()).isEqualTo(blas);
    }

    @Test
    void saysWhatIsMissingWhereItLookedAndWhatToDo() throws IOException {
        assumeNone("libcudnn.so.9");
        Path broken = folder(temporary.toRealPath().resolve("broken"));
        Files.writeString(broken.resolve("libcudnn.so.9"), "x");
        Path old = library(root.resolve("usr/lib/x86_64-linux-gnu/libcudnn.so.8"));
        library(root.resolve("usr/lib/x86_64-linux-gnu/libcudnn.so.8.9.7"));
        CudaLibraries libraries = new CudaLibraries(places(Map.of(), broken));
        assertThat(libraries.find(Library.CUDNN)).isInstanceOfSatisfying(Missing.class, missing -> {
            assertThat(missing.otherMajors()).containsExactly(old);
            assertThat(missing.refused()).containsOnlyKeys(broken.resolve("libcudnn.so.9").toString(), "libcudnn.so.9");
            assertThat(missing.looked()).contains(new Place("-Dsparsercnn.cuda.path", broken));
        });
        assertThatThrownBy(() -> libraries.require(Library.CUDNN)).isInstanceOf(BadInput.class)
                .hasMessageStartingWith("No usable cuDNN (libcudnn.so.9) was found")
                .hasMessageContaining("another version: " + old + ", wanted libcudnn.so.9")
                .hasMessageContaining("file too short")
                .hasMessageContaining("libcudnn.so.9: cannot open shared object file")
                .hasMessageContaining("looked in (-Dsparsercnn.cuda.path): " + broken)
                .hasMessageContaining("pip install nvidia-cudnn-cu13")
                .hasMessageEndingWith("-Dsparsercnn.cuda.path=FOLDER");
    }

    @Test
    void systemPlacesAreTheToolkitsThenTheSystems() throws IOException {
        Path chosen = folder(temporary.toRealPath().resolve("chosen/lib64"));
        Path old = folder(root.resolve("usr/local/cuda-9.2/lib64"));
        Path newer = folder(root.resolve("usr/local/cuda-13.0/targets/x86_64-linux/lib"));
        Files.createSymbolicLink(newer.getParent().getParent().resolveSibling("lib64"), newer);
        Files.createSymbolicLink(root.resolve("usr/local/cuda"), Path.of("cuda-13.0"));
        Path system = folder(root.resolve("usr/lib64"));
        assertThat(folders(places(Map.of("CUDA_HOME", chosen.getParent().toString(), "CUDA_PATH", " ")).system()))
                .containsExactly(chosen, root.resolve("usr/local/cuda/lib64"), old, system);
    }

    @Test
    void pythonPackagesAreFoundWithoutPython() throws IOException {
        // PATH names a link to a virtual environment's python3, itself a link to the base's
        Path base = folder(temporary.toRealPath().resolve("base"));
        Files.writeString(folder(base.resolve("bin")).resolve("python3.12"), "");
        Path ofBase = folder(base.resolve("lib/python3.12/site-packages/nvidia/nccl/lib"));
        Path venv = folder(temporary.toRealPath().resolve("venv"));
        Files.createSymbolicLink(folder(venv.resolve("bin")).resolve("python3"), base.resolve("bin/python3.12"));
        Path blas = folder(venv.resolve("lib/python3.12/site-packages/nvidia/cu13/lib"));
        Path cudnn = folder(venv.resolve("lib/python3.12/site-packages/nvidia/cudnn/lib"));
        folder(venv.resolve("lib/python3.12/site-packages/nvidia/cudnn/include"));
        Path path = folder(temporary.resolve("path"));
        Files.createSymbolicLink(path.resolve("python3"), venv.resolve("bin/python3"));
        // one made with copies knows its base by a file
        Path copied = folder(temporary.toRealPath().resolve("copied"));
        Files.writeString(folder(copied.resolve("bin")).resolve("python3"), "");
        Path other = folder(temporary.toRealPath().resolve("other/lib/python3.11/dist-packages/nvidia/cublas/lib"));
        Files.writeString(copied.resolve("pyvenv.cfg"), "version = 3.11\nhome = " + temporary.toRealPath().resolve("other/bin") + "\n");

        Path active = folder(temporary.resolve("active/lib/python3.9/site-packages/nvidia/cudnn/lib"));
        Path user = folder(home.resolve(".local/lib/python3.10/site-packages/nvidia/cudnn/lib"));
        Path opt = folder(root.resolve("opt/app/.venv/lib/python3.13/site-packages/nvidia/cudnn/lib"));
        Path debian = folder(root.resolve("usr/lib/python3/dist-packages/nvidia/cudnn/lib"));
        Path local = folder(root.resolve("usr/local/lib/python3.11/dist-packages/nvidia/nccl/lib"));
        Map<String, String> variables = Map.of("VIRTUAL_ENV", temporary.resolve("active").toString(),
                "PATH", temporary.resolve("nosuch") + ":" + path + ":" + copied.resolve("bin") + "::");
        assertThat(folders(places(variables).python())).containsExactly(active, blas, cudnn, ofBase, other, user, opt, local, debian);
    }

    @Test
    void theDriverIsNotLookedForAmongPythonPackages() throws IOException {
        folder(home.resolve(".local/lib/python3.10/site-packages/nvidia/cuda_runtime/lib"));
        if (new CudaLibraries(places(Map.of())).find(Library.NVML) instanceof Missing missing) {
            assertThat(missing.looked()).isEmpty();
            assertThat(missing.message()).contains("Install the NVIDIA driver");
        }
    }
}
