package org.sparsercnn.mpi;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.dist.Launch;
import org.sparsercnn.io.StateDict;
import org.sparsercnn.train.SplitTraining.Scenario;

/** Two and four ranks, as processes and as threads, train as one process does with the whole batch. */
@Timeout(300)
class MpiProofIT {
    @TempDir Path folder;

    @ParameterizedTest
    @EnumSource(names = {"FROZEN_BN", "SYNC_BN"})
    void the_one_process_trains(Scenario scenario) {
        Proof.checkThatItTrains(scenario);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 4})
    void threads(int ranks) {
        for (Scenario scenario : Scenario.values()) {
            Proof.check(ranks + " threads", scenario, Proof.threads(ranks, scenario));
        }
    }

    /** All scenarios in one job: JVMs take longer to start than those take. */
    @ParameterizedTest
    @ValueSource(ints = {2, 4})
    void processes(int ranks) throws Exception {
        MpiJob.require();
        try (MpiJob job = MpiJob.start(folder, ranks, Map.of(), RankProgram.command(folder, Launch.Options.AUTO, Scenario.values()))) {
            MpiJob.Ended ended = job.end();
            assertThat(ended.code()).as(ended.out() + ended.err()).isZero();
        }
        for (Scenario scenario : Scenario.values()) {
            List<StateDict> found = RankProgram.results(folder, ranks, scenario);
            Proof.check(ranks + " processes", scenario, found);
            if (ranks == 2) { // two addends have one sum, whoever adds them
                Proof.same(scenario + " by processes and by threads", found.getFirst(), Proof.threads(ranks, scenario).getFirst());
            }
        }
    }
}
