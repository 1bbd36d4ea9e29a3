package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintStream;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bars draw on a thread of their own, so these tests wait for what must appear. */
class ProgressLineTest {
    private final TinyTerminal screen = new TinyTerminal(100);
    private final PrintStream raw = screen.stream();
    private final BottomLine bottom = new BottomLine(raw, () -> 100);
    private boolean restored;
    private final ProgressLine line = new ProgressLine(bottom, () -> restored = true);

    private void awaitLast(Predicate<String> wanted) {
        awaitLast(screen, wanted);
    }

    private static void awaitLast(TinyTerminal screen, Predicate<String> wanted) {
        try {
            for (int i = 0; i < 2000 && !wanted.test(screen.seen().getLast()); i++) {
                Thread.sleep(10);
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        assertThat(screen.seen().getLast()).matches(wanted);
    }

    @Test
    void a_bar_says_how_far_it_is_and_is_gone_at_the_end() {
        try (ProgressLine.Bar bar = line.begin("train", 100, 400)) {
            bar.at(200, 400, "loss 3.21 AP 12.3");
            awaitLast(l -> l.matches("train +50% \\[=+>? *\\] 200/400 \\(.*\\) +loss 3.21 AP 12.3"));
            bottom.above(raw).println("a line of the log");
        }
        assertThat(screen.seen()).containsExactly("a line of the log", "");
    }

    @Test
    void of_two_the_inner_one_is_seen_then_the_outer_again() {
        try (ProgressLine.Bar train = line.begin("train", 0, 10)) {
            train.at(5, 10, "");
            awaitLast(l -> l.startsWith("train"));
            try (ProgressLine.Bar inference = line.begin("inference", 0, 4)) {
                inference.at(1, 4, "");
                awaitLast(l -> l.startsWith("inference") && l.contains("1/4"));
            }
            assertThat(screen.seen().getLast()).startsWith("train");
        }
    }

    @Test
    void closing_the_line_closes_what_is_left_and_gives_the_streams_back() {
        line.begin("train", 0, 10).at(1, 10, "");
        awaitLast(l -> l.startsWith("train"));
        line.close();
        assertThat(screen.seen()).containsExactly("");
        assertThat(restored).isTrue();
    }

    @Test
    void a_narrow_terminal_gets_what_fits() {
        TinyTerminal narrow = new TinyTerminal(24);
        try (ProgressLine small = new ProgressLine(new BottomLine(narrow.stream(), () -> 24), () -> {})) {
            small.begin("train", 0, 100_000).at(50_000, 100_000, "loss 3.21 AP 12.3");
            awaitLast(narrow, l -> l.contains("50%"));
            assertThat(narrow.seen()).hasSize(1);
        }
    }

    @ParameterizedTest
    @CsvSource({"xterm-256color,,true", "dumb,,false", ",,false", "xterm,true,false", "'',,false"})
    void terminals_that_nobody_watches_get_no_bar(String term, String ci, boolean wanted) {
        Map<String, String> variables = new HashMap<>();
        if (term != null) {
            variables.put("TERM", term);
        }
        if (ci != null) {
            variables.put("CI", ci);
        }
        assertThat(ProgressLine.isWatched(variables)).isEqualTo(wanted);
    }

    @Test
    void without_a_terminal_nothing_changes() {
        PrintStream out = System.out;
        PrintStream err = System.err;
        try (ProgressLine none = ProgressLine.ofProcess(Map.of())) {
            assertThat(none.isShown()).isFalse();
            none.begin("train", 0, 3).at(1, 3, "");
            assertThat(System.out).isSameAs(out);
            assertThat(System.err).isSameAs(err);
        }
    }
}
