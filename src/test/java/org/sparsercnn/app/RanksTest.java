package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.sparsercnn.device.Collective;
import org.sparsercnn.dist.Launch;
import org.sparsercnn.dist.World;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.GuardStop;

@Timeout(30)
class RanksTest {
    @Test
    void every_rank_works_in_a_thread_of_its_own() {
        Set<String> seen = new ConcurrentSkipListSet<>();
        Ranks.run(World.threads(3), rank -> {
            Collective group = rank.world().hostGroup(rank.number());
            seen.add(Thread.currentThread().getName() + " of " + group.size());
            group.barrier();
        });
        assertThat(seen).containsExactly("rank-0 of 3", "rank-1 of 3", "rank-2 of 3");
    }

    /** Also those that come to the barrier after the failure. */
    @Test
    void the_first_failure_ends_all_and_is_the_one_that_is_told() {
        CountDownLatch failed = new CountDownLatch(1);
        assertThatThrownBy(() -> Ranks.run(World.threads(3), rank -> {
            if (rank.number() == 1) {
                failed.countDown();
                throw new BadInput("the cause");
            }
            if (rank.number() == 2) {
                await(failed);
            }
            rank.world().hostGroup(rank.number()).barrier();
        })).isInstanceOf(BadInput.class).hasMessageMatching("rank 1 on .+: the cause");
        assertThat(Thread.getAllStackTraces().keySet()).noneMatch(t -> t.getName().startsWith("rank-") && t.isAlive());
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        sleep(100); // until the failure is long past
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** What would have refused a run stops one that has begun. */
    @Test
    void a_run_that_has_begun_is_stopped() {
        assertThatThrownBy(() -> Ranks.run(World.threads(2), rank -> {
            rank.world().begin(rank.number());
            rank.world().hostGroup(rank.number()).barrier();
            if (rank.number() == 1) {
                throw new BadInput("image 7 cannot be decoded");
            }
            rank.world().hostGroup(rank.number()).barrier();
        })).isInstanceOf(GuardStop.class).hasMessageMatching("rank 1 on .+: image 7 cannot be decoded");
    }

    @Test
    void one_that_hangs_is_not_waited_for_ever() {
        World world = World.open(Launch.threads(2), Duration.ofSeconds(1), () -> new byte[0]);
        assertThatThrownBy(() -> Ranks.run(world, rank -> {
            world.begin(rank.number());
            if (rank.number() == 0) {
                rank.world().hostGroup(0).barrier();
            } else {
                sleep(4000);
            }
        })).isInstanceOf(GuardStop.class).hasMessageMatching("rank 1 on .+: hangs: another rank has waited \\d s .*");
    }

    /** Saving, say. */
    @Test
    void one_that_works_for_all_is_waited_for() {
        World world = World.open(Launch.threads(2), Duration.ofSeconds(1), () -> new byte[0]);
        Ranks.run(world, rank -> {
            Collective group = rank.world().hostGroup(rank.number());
            world.begin(rank.number());
            if (rank.number() == 1) {
                group.alone(() -> sleep(3000));
            }
            group.barrier();
            if (rank.number() == 0) {
                for (int i = 0; i < 30; i++) {
                    sleep(100);
                    group.getsOn();
                }
            }
            group.barrier();
        });
        assertThat(world.failure()).isEmpty();
    }

    @Test
    void alone_an_error_is_told_as_it_is() {
        assertThatThrownBy(() -> Ranks.run(World.alone(), _ -> {
            throw new OutOfMemoryError("heap");
        })).isInstanceOf(OutOfMemoryError.class);
    }
}
