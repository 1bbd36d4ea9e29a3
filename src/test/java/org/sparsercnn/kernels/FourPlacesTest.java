package org.sparsercnn.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * An op is one name in four places: {@code op/RoiAlign.java}, {@code kernels/roi_align.cu}, {@code RoiAlignSpec} and a row of
 * docs/ops.md (which {@code OpsDocTest} compares with what it is generated from).
 */
class FourPlacesTest {
    private static final List<Class<?>> OPS = KernelSources.classes("op");
    private static final Path SPECS = Path.of("src/test/java/org/sparsercnn/op");

    @Test
    void everyOpHasASpecAndEverySpecAnOp() throws IOException {
        try (Stream<Path> files = Files.list(SPECS)) {
            var specs = files.map(file -> file.getFileName().toString()).filter(n -> n.endsWith("Spec.java") && !n.equals("OpSpec.java"));
            assertThat(specs)
                    .containsExactlyInAnyOrderElementsOf(OPS.stream().map(op -> op.getSimpleName() + "Spec.java").toList());
        }
    }

    /** Ops that are products of matrices or made of other ops have no kernels; the rest have theirs under their own name. */
    @Test
    void aClassHasItsKernelsInTheFileOfItsName() {
        var elsewhere = KernelSources.declared().stream().filter(declared -> KernelSources.fileOf(declared.owner())
                .filter(file -> KernelSources.defined().get(file).contains(declared.kernel().name())).isEmpty());
        assertThat(elsewhere.map(declared -> declared.owner().getSimpleName() + " has " + declared.kernel().name())).isEmpty();
    }

    /** And after the type of its elements; where it has two, after that of the result. */
    @Test
    void aKernelIsNamedAfterItsFile() {
        KernelSources.defined().forEach((file, kernels) -> assertThat(kernels).as(file).isNotEmpty()
                .allSatisfy(kernel -> assertThat(kernel).matches(file + "(_\\w+)?_(f32|bf16)")));
    }

    @Test
    void everyKernelFileIsThatOfAnOpAnOptimiserOrADevice() {
        List<String> files = Stream.of("op", "optim", "device/cuda").flatMap(subPackage -> KernelSources.classes(subPackage).stream())
                .flatMap(type -> KernelSources.fileOf(type).stream()).toList();
        assertThat(KernelSources.defined().keySet()).containsExactlyInAnyOrderElementsOf(files);
    }
}
