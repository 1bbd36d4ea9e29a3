package org.sparsercnn.dist;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Who keeps the others waiting. */
class JudgeTest {
    private final Judge judge = new Judge(Duration.ofSeconds(60));

    private static Judge.Seen seen(String host, long silentMillis, long calls, long waiting, long alone) {
        return new Judge.Seen(host, silentMillis, new Pulse.State(calls, waiting, alone, 100_000));
    }

    private static Judge.Seen waiting(long calls, long millis) {
        return seen("a", 500, calls, millis, -1);
    }

    private static Judge.Seen working(long calls) {
        return seen("b", 500, calls, -1, -1);
    }

    private Optional<Failure> verdict(Judge.Seen... ranks) {
        return judge.judge(ranks);
    }

    @Test
    void nobody_while_all_is_well() {
        assertThat(verdict(waiting(7, 59_000), working(6))).isEmpty();
        assertThat(verdict(working(7), working(6), null)).isEmpty();
        assertThat(verdict(null, null)).isEmpty();
    }

    @Test
    void the_one_that_is_silent() {
        assertThat(verdict(working(7), seen("c", 60_001, 6, -1, -1))).contains(
                new Failure(1, "c", "has not answered for 60 s: its process is stopped, or its machine cannot be reached", 3));
    }

    /** The others have waited for it as long as it has been silent: silence says more. */
    @Test
    void the_one_that_is_silent_and_late() {
        assertThat(verdict(waiting(8, 60_000), seen("c", 59_900, 7, -1, -1)).orElseThrow().reason()).startsWith("has not answered for 60 s");
    }

    /** Stopped within a call that the others are in too. */
    @Test
    void the_one_that_fell_silent_while_it_waited() {
        Failure late = verdict(waiting(8, 60_000), seen("c", 59_900, 8, 100, -1), waiting(8, 60_000)).orElseThrow();
        assertThat(late.message()).startsWith("rank 1 on c: has not answered for 60 s");
    }

    @Test
    void the_one_that_is_late() {
        Failure late = verdict(waiting(8, 60_000), waiting(8, 61_000), working(7), waiting(8, 100)).orElseThrow();
        assertThat(late.rank()).isEqualTo(2);
        assertThat(late.message()).isEqualTo("rank 2 on b: hangs: another rank has waited 62 s for its call 8; if it only is slow, --dist-timeout allows more");
    }

    @Test
    void the_one_that_is_furthest_behind_be_it_waiting() {
        Failure late = verdict(waiting(8, 70_000), waiting(6, 70_000)).orElseThrow();
        assertThat(late.rank()).isEqualTo(1);
        assertThat(late.reason()).contains("has waited 71 s for the others in call 6, and they for it");
    }

    /** Its share of an evaluation is slower to do. */
    @Test
    void nobody_while_the_last_one_gets_on() {
        Judge.Seen busy = new Judge.Seen("b", 500, new Pulse.State(7, -1, -1, 59_000));
        assertThat(verdict(waiting(8, 600_000), busy)).isEmpty();
        assertThat(verdict(waiting(8, 600_000), new Judge.Seen("b", 500, new Pulse.State(7, -1, -1, 59_600))).orElseThrow().rank()).isEqualTo(1);
    }

    @Test
    void nobody_while_one_works_for_all() {
        assertThat(verdict(seen("a", 100, 7, -1, 65_000), waiting(8, 65_000))).isEmpty();
        assertThat(verdict(seen("a", 100, 7, -1, Judge.ALONE.toMillis()), waiting(8, 1_900_000)).orElseThrow().rank()).isZero();
    }
}
