package org.sparsercnn.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Launch;
import org.sparsercnn.ffi.CpuKernels;
import org.sparsercnn.kernels.KernelField.Kind;

/** Java and C agree on every kernel's struct. */
class KernelFieldsTest {
    /** Names and order are Java's; kinds of 8 bytes each, so that the struct's size is what Java writes. */
    @TestFactory
    Stream<DynamicTest> theCompiledKernelHasTheFieldsThatJavaFills() {
        return KernelSources.declared().stream().map(KernelSources.Declared::kernel).map(kernel -> dynamicTest(kernel.name(), () -> {
            List<String> instances = Stream.of(kernel.name(), kernel.name().replaceFirst("_f32$", "_bf16")).distinct()
                    .filter(KernelFieldsTest::isCompiled).toList();
            assumeTrue(!instances.isEmpty(), "only for a GPU, and there are no emulated kernels");
            instances.forEach(name -> check(kernel, name));
        }));
    }

    /** Kernels that only a GPU runs are in the emulated library alone. */
    private static boolean isCompiled(String name) {
        return CpuKernels.has(name) || EmulatedDevice.isBuilt() && EmulatedKernels.has(name);
    }

    private static void check(Kernel kernel, String name) {
        List<KernelField> compiled = CpuKernels.has(name) ? KernelField.parse(CpuKernels.kernelFields(name)) : EmulatedKernels.fields(name);
        assertThat(compiled).extracting(KernelField::name).isEqualTo(kernel.fields());
        assertThat(8 * compiled.size()).isLessThanOrEqualTo(Launch.MAX_BYTES);
    }

    @Test
    void everyKernelIsDeclaredOnceInJava() {
        assertThat(KernelSources.declared()).extracting(d -> d.kernel().name())
                .containsExactlyInAnyOrderElementsOf(KernelSources.defined().values().stream().flatMap(List::stream).toList());
    }

    @Test
    void fieldsAreReadAsTheyAreWritten() {
        assertThat(KernelField.parse("const float* x; uint8_t *tap; i64 n; double eps;")).containsExactly(
                new KernelField(Kind.POINTER, "x"), new KernelField(Kind.POINTER, "tap"), new KernelField(Kind.I64, "n"), new KernelField(Kind.DOUBLE, "eps"));
        assertThatThrownBy(() -> KernelField.parse("const float* x; int n;")).hasMessageContaining("found: int n");
        assertThatThrownBy(() -> KernelField.parse("i64 n, m;")).hasMessageContaining("found: i64 n, m");
    }
}
