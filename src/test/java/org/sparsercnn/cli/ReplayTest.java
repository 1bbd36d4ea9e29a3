package org.sparsercnn.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that diverges leaves its last step, which {@code train --replay} takes once more. */
class ReplayTest {
    @TempDir
    Path folder;

    private Workplace place;

    @BeforeEach
    void setUp() {
        place = Workplace.in(folder);
    }

    private Path diverged() throws IOException {
        Workplace.Ended ended = place.run("train", "SOLVER.MAX_ITER", "30", "SOLVER.BASE_LR", "1e30", "SOLVER.NONFINITE_STEPS", "2", "SOLVER.CLIP_GRADIENTS.ENABLED", "False");
        assertThat(ended.code()).isEqualTo(3);
        try (Stream<Path> files = Files.list(place.output())) {
            List<Path> kept = files.filter(f -> f.getFileName().toString().matches("nonfinite_\\d{7}\\.safetensors")).toList();
            assertThat(kept).hasSize(1);
            assertThat(ended.err()).contains("stopped after 2 steps in a row", "first not finite: ", "train --replay " + kept.getFirst());
            return kept.getFirst();
        }
    }

    private Workplace.Ended replay(Path file, String... more) {
        return place.call(Stream.concat(Stream.of("train", "--device", "cpu", "--threads", "1", "--replay", file.toString()), Stream.of(more)).toArray(String[]::new));
    }

    @Test
    void a_step_that_diverged_diverges_again() throws IOException {
        Path file = diverged();
        Workplace.Ended again = replay(file);
        assertThat(again.code()).isEqualTo(3);
        assertThat(again.err()).contains("is not finite: first not finite: ");
        Workplace.Ended misshapen = replay(file, "MODEL.SparseRCNN.NUM_PROPOSALS", "7");
        assertThat(misshapen.code()).isEqualTo(2);
        assertThat(misshapen.err()).contains("the step's weights do not fit", "init_proposal_features.weight");
    }

    @Test
    void what_is_no_step_is_refused() {
        assertThat(replay(folder.resolve("none.safetensors"))).matches(e -> e.code() == 2 && e.err().contains("none.safetensors"));
        assertThat(replay(place.config())).matches(e -> e.code() == 2 && e.err().contains("tiny.yaml"));
        assertThat(replay(place.config(), "--resume")).matches(e -> e.code() == 2 && e.err().contains("--replay: takes one step"));
    }
}
