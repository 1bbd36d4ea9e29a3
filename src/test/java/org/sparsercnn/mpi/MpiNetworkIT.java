package org.sparsercnn.mpi;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.cli.Workplace;
import org.sparsercnn.train.SplitTraining.Scenario;

/** One rank on each of two machines, which meet at an address of the network between them. */
@Timeout(300)
class MpiNetworkIT {
    private static final int TIMEOUT = 4;
    private static final int GRACE = 8;
    private static final int BUSY_MACHINE = 10;

    @TempDir Path folder;

    @BeforeAll
    static void mpirun() {
        MpiJob.require();
    }

    @Test
    void two_machines_train_as_one_process_does() throws Exception {
        List<String> java = RankProgram.command(folder, "tcp://" + TwoMachines.ADDRESS + ":0", Scenario.values());
        try (TwoMachines machines = TwoMachines.in(folder); MpiJob job = machines.start(Map.of(), java)) {
            MpiJob.Ended ended = job.end();
            assertThat(ended.code()).as(ended.out() + ended.err()).isZero();
        }
        for (Scenario scenario : Scenario.values()) {
            Proof.check("2 machines", scenario, RankProgram.results(folder, 2, scenario));
        }
    }

    /** Both sides end by themselves; mpirun, which waits for its own helper on the second machine, when it hears of that again. */
    @Test
    void a_cable_that_is_pulled_ends_the_run_on_both_sides() throws Exception {
        Workplace place = Workplace.in(folder);
        List<String> java = MpiJob.jar(place, "train", "--dist-timeout", "" + TIMEOUT, "SOLVER.MAX_ITER", "100000");
        try (TwoMachines machines = TwoMachines.in(folder); MpiJob job = machines.start(place.variables(), java)) {
            job.awaitOut("iter: 19");
            assertThat(job.out()).contains("2 processes, brought together by MPI");
            List<ProcessHandle> ranks = List.of(job.rank(0), job.rank(1));
            machines.pullTheCable();
            long begin = System.nanoTime();
            for (ProcessHandle rank : ranks) {
                rank.onExit().get(TIMEOUT + GRACE + BUSY_MACHINE, TimeUnit.SECONDS);
            }
            System.out.printf("both ranks have ended %.1f s after the cable was pulled%n", (System.nanoTime() - begin) / 1e9);
            String silent = ": has not answered for " + TIMEOUT + " s: its process is stopped, or its machine cannot be reached";
            assertThat(Files.readString(place.output().resolve("log.txt.rank1"))).contains("rank 0 on " + machines.first + silent);
            assertThat(job.err()).as("what rank 0 says").contains("error: rank 1 on " + machines.second + silent);

            machines.plugItIn();
            assertThat(job.end().code()).as(job.err()).isEqualTo(3);
        }
    }
}
