package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.data.Dataset;
import org.sparsercnn.data.ImageRecord;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.dist.World;
import org.sparsercnn.util.BadInput;

/** Ranks that differ in something are refused, before anything begins. */
@Timeout(30)
class AgreementTest {
    private static void compare(IntFunction<Agreement> ofRank) {
        Ranks.run(World.threads(3), rank -> {
            try (Device device = new CpuDevice(1, -1); Collective group = rank.join(device)) {
                rank.guard(() -> ofRank.apply(rank.number()).require(device, group));
            }
        });
    }

    private static Agreement agreement(String... overrides) {
        return new Agreement(Config.defaults().with(overrides));
    }

    private static Dataset data(double width) {
        ImageRecord image = new ImageRecord(1, "a.jpg", Path.of("a.jpg"), 9, 9, new double[] {1, 1, width, 2}, new int[] {0}, new boolean[1],
                new double[] {4}, new long[] {1});
        return new Dataset("cells", "cells.json", List.of(image), CategoryMap.ofNames(List.of("cell")), null);
    }

    @Test
    void alike() {
        assertThatCode(() -> compare(_ -> agreement("SOLVER.BASE_LR", "0.5").with(data(3)))).doesNotThrowAnyException();
    }

    /** Where its results go and what it computes on may differ. */
    @Test
    void a_machines_own() {
        assertThatCode(() -> compare(rank -> agreement("OUTPUT_DIR", "run" + rank, "MODEL.DEVICE", rank == 0 ? "cpu" : "cuda"))).doesNotThrowAnyException();
    }

    @Test
    void another_config() {
        assertThatThrownBy(() -> compare(rank -> rank == 2 ? agreement("SOLVER.BASE_LR", "0.5", "SEED", "3") : agreement("SOLVER.BASE_LR", "0.25")))
                .isInstanceOf(BadInput.class).hasMessageMatching("rank 2 on \\S+: it was started otherwise than rank 0: "
                        + "(SEED is 3, on rank 0 -1; SOLVER\\.BASE_LR is 0\\.5, on rank 0 0\\.25|SOLVER\\.BASE_LR is 0\\.5, on rank 0 0\\.25; SEED is 3, on rank 0 -1)\\. All.*");
    }

    @Test
    void other_data() {
        assertThatThrownBy(() -> compare(rank -> agreement().with(data(rank == 1 ? 4 : 3)))).isInstanceOf(BadInput.class)
                .hasMessageMatching("rank 1 on \\S+: .*data set cells is 1 images with 1 objects, checksum \\w+, on rank 0 1 images with 1 objects, checksum \\w+\\..*");
    }

    @Test
    void another_program_or_place_in_the_run() {
        assertThatThrownBy(() -> compare(rank -> agreement().with("the first iteration", rank == 1 ? "0" : "500"))).isInstanceOf(BadInput.class)
                .hasMessageMatching("rank 1 on \\S+: .*the first iteration is 0, on rank 0 500\\..*OUTPUT_DIR.*");
    }
}
