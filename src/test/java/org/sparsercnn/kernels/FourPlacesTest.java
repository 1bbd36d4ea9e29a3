package org.sparsercnn.kernels;

import static org.assertj.core.api.Assertions.assertThat;

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

    private static String spec(Class<?> op) {
        return op.getSimpleName() + "Spec.java";
    }

    @Test
    void everyOpHasASpec() {
        assertThat(OPS).extracting(FourPlacesTest::spec).isNotEmpty().allMatch(spec -> Files.exists(SPECS.resolve(spec)), "is there");
    }

    @Test
    void everySpecIsOfAnOp() throws Exception {
        try (Stream<Path> specs = Files.list(SPECS)) {
            assertThat(specs.map(file -> file.getFileName().toString()).filter(name -> name.endsWith("Spec.java") && !name.equals("OpSpec.java")))
                    .isSubsetOf(OPS.stream().map(FourPlacesTest::spec).toList());
        }
    }

    /** Ops that are products of matrices or made of other ops have no kernels; the rest have theirs under their own name. */
    @Test
    void aClassHasItsKernelsInTheFileOfItsName() {
        assertThat(KernelSources.declared()).isNotEmpty().allSatisfy(declared -> {
            String file = KernelSources.fileOf(declared.owner()).orElseThrow(() -> new AssertionError("no kernels/*.cu for " + declared.owner()));
            assertThat(KernelSources.defined().get(file)).contains(declared.kernel().name());
        });
    }

    @Test
    void aKernelIsNamedAfterItsFile() {
        KernelSources.defined().forEach((file, kernels) -> assertThat(kernels).as(file).isNotEmpty()
                .allSatisfy(kernel -> assertThat(kernel).startsWith(file + "_").endsWith("_f32")));
    }

    @Test
    void everyKernelFileIsThatOfAnOpOrAnOptimiser() {
        List<String> files = Stream.of("op", "optim").flatMap(p -> KernelSources.classes(p).stream()).flatMap(type -> KernelSources.fileOf(type).stream()).toList();
        assertThat(KernelSources.defined().keySet()).containsExactlyInAnyOrderElementsOf(files);
    }
}
