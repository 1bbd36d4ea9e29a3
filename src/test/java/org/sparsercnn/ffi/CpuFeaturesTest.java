package org.sparsercnn.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparsercnn.ffi.CpuFeatures.Isa;
import org.sparsercnn.util.BadInput;

class CpuFeaturesTest {
    private static final String HASWELL = "fpu sse4_2 movbe popcnt avx f16c bmi1 avx2 bmi2 fma";
    private static final String SKYLAKE_SERVER = HASWELL + " avx512f avx512dq avx512cd avx512bw avx512vl";

    private static CpuFeatures cpu(String flags) {
        return CpuFeatures.parse(List.of("processor\t: 0", "model name\t: Test CPU @ 2.50GHz", "flags\t\t: " + flags, "",
                "processor\t: 1", "flags\t\t: none"));
    }

    @Test
    void readsTheFirstProcessor() {
        assertThat(cpu("fpu avx").model()).isEqualTo("Test CPU @ 2.50GHz");
        assertThat(cpu("fpu avx").flags()).containsExactlyInAnyOrder("fpu", "avx");
    }

    @Test
    void gapsAndRepetitionsBetweenFlagsAreNoMatter() {
        assertThat(cpu("fpu  avx   fma avx").flags()).containsExactlyInAnyOrder("fpu", "avx", "fma");
    }

    @Test
    void takesTheBestThatTheProcessorHas() {
        assertThat(cpu(HASWELL).isa(null)).isEqualTo(Isa.V3);
        assertThat(cpu(SKYLAKE_SERVER).isa(null)).isEqualTo(Isa.V4);
        assertThat(cpu(SKYLAKE_SERVER.replace("avx512vl", "")).isa(null)).isEqualTo(Isa.V3);
    }

    @Test
    void insistsOnTheWantedOne() {
        assertThat(cpu(SKYLAKE_SERVER).isa("v3")).isEqualTo(Isa.V3);
        assertThatThrownBy(() -> cpu(HASWELL).isa("v4")).isInstanceOf(BadInput.class)
                .hasMessageContaining("Test CPU").hasMessageContaining("avx512f").hasMessageContaining("sparsercnn.isa");
        assertThatThrownBy(() -> cpu(HASWELL).isa("avx2")).isInstanceOf(BadInput.class).hasMessageContaining("wanted v3 or v4");
    }

    @Test
    void namesTheProcessorAndWhatItLacks() {
        assertThatThrownBy(() -> cpu(HASWELL.replace("fma", "")).isa(null)).isInstanceOf(BadInput.class)
                .hasMessageContaining("Test CPU @ 2.50GHz").hasMessageContaining("lacks fma");
    }
}
