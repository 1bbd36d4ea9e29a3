package org.sparsercnn.ffi.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparsercnn.ffi.cuda.CudaLibraries.Library;

class LibraryVersionTest {
    @ParameterizedTest
    @CsvSource({"CUDA, libcuda.so.1, CUDA 13.0", "CUBLAS_LT, libcublasLt.so.13, 13.1.1", "CUDNN, libcudnn.so.9, 9.24.0", "NCCL, libnccl.so.2, 2.30.7"})
    void everyLibraryTellsItsOwn(Library library, String file, String version) {
        try (StandInLibrary _ = StandInLibrary.of(file, library)) {
            assertThat(LibraryVersion.of(CudaLibraries.ofThisMachine().require(library))).hasValue(version);
        }
    }
}
