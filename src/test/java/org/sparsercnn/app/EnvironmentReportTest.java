package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class EnvironmentReportTest {
    private final EnvironmentReport report = new EnvironmentReport(new Environment(Map.of("DETECTRON2_DATASETS", "/mnt/sets", "HOME", "/root")));

    @Test
    void the_full_report_names_everything_a_run_depends_on() {
        assertThat(report.full().lines()).anySatisfy(line -> assertThat(line).matches("program +sparse-rcnn .*"))
                .anySatisfy(line -> assertThat(line).matches("command +.*java.*"))
                .anySatisfy(line -> assertThat(line).matches("folder +/.*, process \\d+.*"))
                .anySatisfy(line -> assertThat(line).matches("DETECTRON2_DATASETS +/mnt/sets"))
                .anySatisfy(line -> assertThat(line).matches("data sets +in /mnt/sets"))
                .anySatisfy(line -> assertThat(line).matches("java +" + Runtime.version().feature() + ".*; heap up to [\\d,]+ MB"))
                .anySatisfy(line -> assertThat(line).matches("system +Linux .*GLIBC \\d.*"))
                .anySatisfy(line -> assertThat(line).matches("memory +[\\d.]+ GiB, .*"))
                .anySatisfy(line -> assertThat(line).matches("processor +.+; \\d+ CPUs? for this process, .*"))
                .anySatisfy(line -> assertThat(line).matches("kernels +v[34], .*"))
                .anySatisfy(line -> assertThat(line).matches("openblas +/.*"))
                .anySatisfy(line -> assertThat(line).matches("(GPU|cuda:0) +.*"));
        assertThat(report.full()).doesNotContain("HOME");
    }

    @Test
    void the_short_one_is_a_line() {
        assertThat(report.brief()).startsWith("sparse-rcnn ").contains("; Java ", "; Linux ", " for this process").doesNotContain("\n");
        assertThat(report.brief()).matches(".*(no GPU|cuda|NVIDIA|compute capability).*");
    }
}
