package org.sparsercnn.mpi;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.cli.Workplace;
import org.sparsercnn.io.TrainingCheckpoint;

/**
 * A rank is killed at a random moment, and the run resumed: it ends with the bits of a run that nobody disturbed.
 * {@code benchmarks/dist/kill-points.sh} does it 100 times.
 */
class KillPointsIT {
    private static final int POINTS = Integer.getInteger("sparsercnn.killPoints", 3);
    private static final long SEED = Long.getLong("sparsercnn.killSeed", System.nanoTime());
    private static final String BEGUN = "Device: cpu";
    private static final int RANKS = 2;
    private static final int MANY = 20;

    @TempDir Path folder;

    @BeforeAll
    static void mpirun() {
        MpiJob.require();
    }

    private static MpiJob train(Workplace place, Path output, String... more) throws Exception {
        List<String> arguments = new ArrayList<>(List.of(more));
        arguments.addAll(List.of("SOLVER.MAX_ITER", "60", "SOLVER.CHECKPOINT_PERIOD", "7", "SOLVER.KEEP_CHECKPOINTS", "2", "MODEL.SparseRCNN.DROPOUT", "0.1",
                "SOLVER.REPLICAS.CHECK_PERIOD", "10", "DATASETS.TEST", "()", "OUTPUT_DIR", output.toString()));
        return MpiJob.train(place, RANKS, arguments.toArray(String[]::new));
    }

    private static TrainingCheckpoint end(Path output) {
        return TrainingCheckpoint.read(output.resolve("model_final.safetensors"));
    }

    @Test
    void a_run_that_was_killed_and_resumed_ends_as_one_that_was_not() throws Exception {
        Workplace place = Workplace.in(folder);
        Path undisturbed = folder.resolve("undisturbed");
        long millis;
        try (MpiJob job = train(place, undisturbed).awaitOut(BEGUN)) {
            long begin = System.nanoTime();
            MpiJob.Ended ended = job.end();
            assertThat(ended.code()).as(ended.out() + ended.err()).isZero();
            millis = (System.nanoTime() - begin) / 1_000_000;
        }
        TrainingCheckpoint wanted = end(undisturbed);
        System.out.println("kill points: -Dsparsercnn.killSeed=" + SEED + ", " + POINTS + " in " + millis + " ms");
        Random random = new Random(SEED);
        int struck = 0;
        for (int point = 0; point < POINTS; point++) {
            Path output = folder.resolve("killed-" + point);
            int rank = random.nextInt(RANKS);
            long delay = random.nextLong(millis);
            String what = "point " + point + ": rank " + rank + " after " + delay + " ms";
            try (MpiJob job = train(place, output).awaitOut(BEGUN)) {
                Thread.sleep(delay);
                job.kill(rank);
                int code = job.end().code();
                assertThat(code).as(what).isIn(0, 3, 137);
                struck += code == 0 ? 0 : 1;
            }
            String from = Files.exists(output.resolve("last_checkpoint")) ? Files.readString(output.resolve("last_checkpoint")) : "the beginning";
            try (MpiJob job = train(place, output, "--resume")) {
                MpiJob.Ended ended = job.end();
                assertThat(ended.code()).as(what + ": " + ended.out() + ended.err()).isZero();
            }
            System.out.println(what + ", resumed from " + from);
            TrainingCheckpoint got = end(output);
            assertThat(got.iteration()).isEqualTo(wanted.iteration());
            wanted.model().tensors().forEach((name, t) -> assertThat(got.model().get(name).toFloats()).as(what + " " + name).isEqualTo(t.toFloats()));
            wanted.optimizer().tensors().forEach((name, t) -> assertThat(got.optimizer().get(name).toFloats()).as(what + " " + name).isEqualTo(t.toFloats()));
            try (Stream<Path> files = Files.list(output)) {
                assertThat(files.map(f -> f.getFileName().toString())).as(what).noneMatch(name -> name.contains(".part") || name.equals("run.lock"));
            }
        }
        if (POINTS >= MANY) { // a few may all come too late, when the machine is faster than it was for the first run
            assertThat(struck).as("runs that were still going on").isGreaterThan(POINTS / 4);
        }
    }
}
