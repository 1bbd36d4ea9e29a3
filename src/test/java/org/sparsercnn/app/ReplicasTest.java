package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.sparsercnn.device.Collective;
import org.sparsercnn.util.BadInput;

@Timeout(30)
class ReplicasTest {
    private static void run(int count, Consumer<Collective> work) {
        Groups groups = Groups.local(count, 20);
        Replicas.run(count, groups, (rank, _) -> work.accept(groups.join(rank, null)));
    }

    @Test
    void every_rank_works_in_a_thread_of_its_own() {
        Set<String> seen = new ConcurrentSkipListSet<>();
        run(3, group -> {
            seen.add(Thread.currentThread().getName() + " of " + group.size());
            group.barrier();
        });
        assertThat(seen).containsExactly("replica-0 of 3", "replica-1 of 3", "replica-2 of 3");
    }

    /** Also those that come to the barrier after the failure. */
    @Test
    void the_first_failure_ends_all_and_is_the_one_that_is_told() {
        CountDownLatch failed = new CountDownLatch(1);
        assertThatThrownBy(() -> run(3, group -> {
            if (group.rank() == 1) {
                failed.countDown();
                throw new BadInput("the cause");
            }
            if (group.rank() == 2) {
                await(failed);
            }
            group.barrier();
        })).isInstanceOf(BadInput.class).hasMessage("the cause");
        assertThat(Thread.getAllStackTraces().keySet()).noneMatch(t -> t.getName().startsWith("replica-") && t.isAlive());
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
            Thread.sleep(100); // until the failure is long past
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void an_error_is_told_as_it_is() {
        assertThatThrownBy(() -> run(2, group -> {
            throw new OutOfMemoryError("heap");
        })).isInstanceOf(OutOfMemoryError.class);
    }
}
