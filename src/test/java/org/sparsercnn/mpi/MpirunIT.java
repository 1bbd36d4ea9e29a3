package org.sparsercnn.mpi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.cli.Workplace;

/** The jar with one rank a process, as users start it: to the good end, and what happens when a rank is lost. */
@Timeout(300)
class MpirunIT {
    private static final String LONG = "100000";

    @TempDir Path folder;
    private Workplace place;

    @BeforeAll
    static void mpirun() {
        MpiJob.require();
    }

    @BeforeEach
    void prepare() {
        place = Workplace.in(folder);
    }

    private static void message(MpiJob.Ended ended, String pattern) {
        List<String> errors = ended.err().lines().filter(line -> line.startsWith("error: ")).toList();
        assertThat(errors).as(ended.err()).hasSize(1).first().asString().matches("error: " + pattern);
    }

    private String log(String name) throws IOException {
        return Files.readString(place.output().resolve(name));
    }

    @Test
    void trains_and_measures() throws Exception {
        try (MpiJob job = MpiJob.train(place, 2, "SOLVER.MAX_ITER", "4", "SOLVER.CHECKPOINT_PERIOD", "2")) {
            MpiJob.Ended ended = job.end();
            assertThat(ended.code()).as(ended.out() + ended.err()).isZero();
            assertThat(ended.err()).isEmpty();
            assertThat(ended.out().lines().filter(line -> line.contains("Training:"))).as("rank 0 alone speaks").hasSize(1);
            assertThat(ended.out()).contains("2 images a step = 2 replicas x 1 image", "2 processes, brought together by MPI");
        }
        assertThat(log("log.txt.rank1")).contains("Training:").doesNotContain("Saving checkpoint");
        try (Stream<Path> files = Files.list(place.output())) {
            assertThat(files.map(f -> f.getFileName().toString()))
                    .contains("model_0000001.safetensors", "model_final.safetensors", "metrics.json", "config.yaml", "log.txt", "log.txt.rank1")
                    .noneMatch(name -> name.contains(".part") || name.equals("run.lock"));
        }

        // Two ranks find what one finds.
        Path weights = place.output().resolve("model_final.safetensors");
        Path alone = folder.resolve("alone");
        assertThat(place.run("eval", "MODEL.WEIGHTS", weights.toString(), "OUTPUT_DIR", alone.toString()).code()).isZero();
        Path shared = folder.resolve("shared");
        try (MpiJob job = MpiJob.run(place, 3, "eval", "MODEL.WEIGHTS", weights.toString(), "OUTPUT_DIR", shared.toString())) {
            assertThat(job.end().code()).isZero();
        }
        String results = "inference/coco_instances_results.json";
        assertThat(shared.resolve(results)).hasSameBinaryContentAs(alone.resolve(results));
        assertThat(shared.resolve("inference/evaluation.json")).hasSameBinaryContentAs(alone.resolve("inference/evaluation.json"));

        // The run goes on with another number of ranks.
        Workplace.Ended more = place.run("train", "--resume", "SOLVER.MAX_ITER", "6");
        assertThat(more.code()).as(more.err()).isZero();
        assertThat(log("log.txt")).contains("at iteration 4");
        try (MpiJob job = MpiJob.train(place, 2, "--resume", "SOLVER.MAX_ITER", "8")) {
            MpiJob.Ended ended = job.end();
            assertThat(ended.code()).as(ended.out() + ended.err()).isZero();
            assertThat(ended.out()).contains("at iteration 6");
        }
    }

    /** Its end is seen at once, a process that is stopped after the timeout. */
    @ParameterizedTest
    @ValueSource(strings = {"KILL", "STOP"})
    void a_rank_that_is_lost_ends_the_run(String signal) throws Exception {
        try (MpiJob job = MpiJob.train(place, 2, "--dist-timeout", "4", "SOLVER.MAX_ITER", LONG, "SOLVER.CHECKPOINT_PERIOD", "3")) {
            job.awaitOut("iter: 19");
            job.signal(signal, 1);
            long begin = System.nanoTime();
            MpiJob.Ended ended = job.end();
            assertThat((System.nanoTime() - begin) / 1e9).as("seconds").isLessThan(4 + 8 + 10); // timeout, grace, a busy machine
            message(ended, signal.equals("KILL") ? "rank 1 on \\S+: its process has ended without a word"
                    : "rank 1 on \\S+: has not answered for 4 s: its process is stopped, or its machine cannot be reached");
            assertThat(ended.code()).isEqualTo(signal.equals("KILL") ? 128 + 9 : 3); // mpirun tells what the first to go told
        }
        try (MpiJob job = MpiJob.train(place, 2, "--resume", "SOLVER.MAX_ITER", "40")) {
            MpiJob.Ended ended = job.end();
            assertThat(ended.code()).as(ended.err()).isIn(0, 2);
            assertThat(ended.out()).contains("Resuming from");
        }
    }

    /** Nobody is there to speak for the run but the next one. */
    @Test
    void rank_0_is_lost() throws Exception {
        try (MpiJob job = MpiJob.train(place, 2, "--dist-timeout", "4", "SOLVER.MAX_ITER", LONG)) {
            job.awaitOut("iter: 19");
            job.signal("STOP", 0);
            MpiJob.Ended ended = job.end();
            message(ended, "rank 0 on \\S+: has not answered for 4 s: .*");
            assertThat(ended.code()).isEqualTo(3);
        }
    }

    @Test
    void an_image_that_one_rank_cannot_read_ends_the_run_on_all() throws Exception {
        Path bad = place.data().resolve("train");
        Path image;
        try (Stream<Path> files = Files.list(bad)) {
            image = files.sorted().findFirst().orElseThrow();
        }
        Files.write(image, new byte[] {1, 2, 3});
        try (MpiJob job = MpiJob.train(place, 2, "SOLVER.MAX_ITER", LONG)) {
            MpiJob.Ended ended = job.end();
            message(ended, "rank [01] on \\S+: .*" + image.getFileName() + ".*");
            assertThat(ended.code()).isEqualTo(3);
        }
    }

    /** A checkpoint that cannot be written costs a checkpoint; at the end it is an error, on all ranks the same. */
    @Test
    void a_full_disk() throws Exception {
        Path disk = Files.createDirectories(folder.resolve("disk"));
        assumeTrue(new ProcessBuilder("mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", disk.toString()).start().waitFor() == 0, "mounting needs root");
        try (MpiJob job = MpiJob.train(place, 2, "SOLVER.MAX_ITER", "6", "SOLVER.CHECKPOINT_PERIOD", "2", "DATASETS.TEST", "()", "OUTPUT_DIR", disk.toString())) {
            MpiJob.Ended ended = job.end();
            message(ended, "rank 0 on \\S+: .*model_final\\.safetensors: cannot be written: No space left on device.*");
            assertThat(ended.code()).isEqualTo(3);
            assertThat(ended.out()).contains("model_0000001.safetensors: cannot be written", "The run goes on");
            assertThat(Files.readString(disk.resolve("log.txt.rank1"))).contains("Rank 0 could not write the checkpoint of iteration 1");
        } finally {
            new ProcessBuilder("umount", "-l", disk.toString()).start().waitFor();
        }
    }

    /** SIGTERM to the ranks, as a batch system sends before it kills. */
    @Test
    void an_interrupted_run_is_saved_at_the_same_step_of_all() throws Exception {
        try (MpiJob job = MpiJob.train(place, 2, "SOLVER.MAX_ITER", LONG, "DATASETS.TEST", "()")) {
            job.awaitOut("iter: 19");
            job.signal("TERM", 1); // one is enough: the others learn of it with the step's sums
            MpiJob.Ended ended = job.end();
            assertThat(ended.out()).as(ended.err()).contains("Interrupted after ", "--resume");
            assertThat(ended.code()).isEqualTo(128 + 15);
            assertThat(place.output().resolve("last_checkpoint")).exists();
        }
    }

    /** Each rank by its own command. */
    private MpiJob different(String... first) throws IOException {
        String script = "if [ $OMPI_COMM_WORLD_RANK = 1 ]; then exec \"$@\" " + String.join(" ", first) + "; else exec \"$@\"; fi";
        return MpiJob.start(folder, place.variables(), List.of("mpirun", "--quiet", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-np", "2",
                "sh", "-c", script, "sh", MpiJob.JAVA.toString(), "-jar", MpiJob.JAR.toString(), "train", "--config-file", place.config().toString(),
                "--device", "cpu", "--threads", "1", "SOLVER.MAX_ITER", LONG));
    }

    @Test
    void ranks_that_were_started_differently_are_refused() throws Exception {
        try (MpiJob job = different("SOLVER.BASE_LR", "0.5")) {
            MpiJob.Ended ended = job.end();
            message(ended, "rank 1 on \\S+: it was started otherwise than rank 0: SOLVER\\.BASE_LR is 0\\.5, on rank 0 [\\d.e-]+\\. .*");
            assertThat(ended.code()).isEqualTo(2);
        }
        assertThat(place.output().resolve("metrics.json")).doesNotExist();
    }

    @Test
    void a_mistake_of_all_is_told_once() throws Exception {
        try (MpiJob job = MpiJob.train(place, 2, "SOLVER.NO_SUCH_KEY", "1")) {
            MpiJob.Ended ended = job.end();
            message(ended, "rank [01] on \\S+: .*SOLVER\\.NO_SUCH_KEY.*");
            assertThat(ended.code()).isEqualTo(2);
        }
    }

    /** One process is no special case, and a port in use is an error of rank 0. */
    @Test
    void alone_and_a_port_in_use() throws Exception {
        try (MpiJob job = MpiJob.train(place, 1, "SOLVER.MAX_ITER", "2", "DATASETS.TEST", "()")) {
            MpiJob.Ended ended = job.end();
            assertThat(ended.err()).isEmpty();
            assertThat(ended.code()).isZero();
        }
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String url = "tcp://127.0.0.1:" + taken.getLocalPort();
            try (MpiJob job = MpiJob.train(place, 2, "--dist-url", url)) {
                MpiJob.Ended ended = job.end();
                message(ended, url + ": rank 0 cannot wait for the others there: Address already in use.*");
                assertThat(ended.code()).isEqualTo(2);
            }
        }
    }

    @Test
    void without_the_library() throws Exception {
        MpiJob job = MpiJob.start(folder, Map.of("OMPI_COMM_WORLD_SIZE", "2", "OMPI_COMM_WORLD_RANK", "0", "OMPI_COMM_WORLD_LOCAL_RANK", "0",
                "OMPI_COMM_WORLD_LOCAL_SIZE", "2", "DETECTRON2_DATASETS", folder.toString()),
                List.of(MpiJob.JAVA.toString(), "-Dsparsercnn.mpi=libnowhere.so.1", "-jar", MpiJob.JAR.toString(), "train", "--config-file", place.config().toString()));
        try (job) {
            MpiJob.Ended ended = job.end();
            message(ended, ".*Open MPI's library is not found.*libnowhere\\.so\\.1.*install Open MPI.*");
            assertThat(ended.code()).isEqualTo(2);
        }
    }
}
