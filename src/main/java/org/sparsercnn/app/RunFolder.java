package org.sparsercnn.app;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.dist.Launch;
import org.sparsercnn.io.Checkpoints;
import org.sparsercnn.train.RunMetrics;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/**
 * OUTPUT_DIR with the files detectron2 leaves there: {@code log.txt}, {@code config.yaml}, {@code metrics.json}, event
 * files, checkpoints, {@code inference/}. While it is open, what is logged also goes to {@code log.txt}.
 */
final class RunFolder implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.run");
    static final String LOG_FILE = "log.txt";
    static final String CONFIG = "config.yaml";

    private final Config config;
    private final Path folder;
    /** Of the process that writes here; the others of a run only log. */
    private final boolean main;
    private final String logFile;
    /** Null for an evaluation, which may look at a run that is still going on. */
    private RunLock lock;
    private LogFile log;
    private Config written;
    private boolean unreachable;
    private RunMetrics metrics; // from the first step on

    private RunFolder(Config config, Path folder, Launch launch, RunLock lock) {
        this.config = config;
        this.folder = folder;
        this.main = launch.isMain();
        this.logFile = main ? LOG_FILE : LOG_FILE + ".rank" + launch.first(); // detectron2's names
        this.lock = lock;
        this.log = LogFile.open(folder.resolve(logFile));
    }

    /** @throws BadInput if the folder cannot be made or written to */
    static RunFolder open(Config config, Launch launch) {
        return open(config, launch, false);
    }

    /** The same for one run alone; {@link BadInput} if another one works in the folder. */
    static RunFolder openForTraining(Config config, Launch launch) {
        return open(config, launch, launch.isMain());
    }

    private static RunFolder open(Config config, Launch launch, boolean alone) {
        Path folder = Path.of(config.outputDir());
        RunFolder run;
        try {
            Files.createDirectories(folder);
            Files.delete(Files.createTempFile(folder, "writable", null));
            run = new RunFolder(config, folder, launch, alone ? RunLock.take(folder) : null);
            if (alone) {
                AtomicFiles.deleteAbandoned(folder).forEach(part -> LOG.info("Deleted {}, which a run that was killed left half written", part));
            }
        } catch (IOException e) {
            throw new BadInput("OUTPUT_DIR " + folder + ": cannot be written: " + reason(folder, e) + "; choose another OUTPUT_DIR", e);
        }
        return run;
    }

    /** Says what the run was started with and on: in short on the screen, in full in {@code log.txt} and {@value EnvironmentReport#FILE}. */
    void report(Environment environment) {
        EnvironmentReport report = new EnvironmentReport(environment);
        report.log(log);
        write(() -> report.write(folder));
    }

    private static String reason(Path folder, IOException e) {
        return Files.exists(folder) && !Files.isDirectory(folder) ? "it is a file" : AtomicFiles.reason(e);
    }

    Path path() {
        return folder;
    }

    /** {@code metrics.json} and an event file for TensorBoard, which go on at iteration {@code start}. */
    RunMetrics openMetrics(long start) {
        metrics = new RunMetrics(folder, start);
        return metrics;
    }

    Checkpoints checkpoints() {
        return new Checkpoints(folder, config.solver().keepCheckpoints());
    }

    /** Where results on a data set go: the task's folder, or one in it where several sets would share file names. */
    Path inference(EvaluationTask task, String dataset) {
        return inference(folder, config, task, dataset);
    }

    /** The same in a run's {@code folder}. */
    static Path inference(Path folder, Config config, EvaluationTask task, String dataset) {
        Path inference = folder.resolve(task.folder());
        return config.datasets().test().size() > 1 ? inference.resolve(dataset) : inference;
    }

    /** Leaves the settings the run really has: replicas, learning rate and classes may have changed those of the command line. */
    void write(Config full) {
        Path file = folder.resolve(CONFIG);
        try {
            AtomicFiles.write(file, out -> out.write(full.dump().getBytes(StandardCharsets.UTF_8)));
        } catch (IOException e) {
            throw new BadInput(file + ": cannot be written: " + AtomicFiles.reason(e) + "; choose another OUTPUT_DIR", e);
        }
        written = full;
        LOG.info("Full config saved to {}", file);
    }

    /** Writes a file of results. A disk that is full costs a training that file, not the run; its numbers are in the log. */
    void write(Runnable file) {
        if (!main) {
            return;
        }
        try {
            file.run();
        } catch (BadInput e) {
            if (lock == null) {
                throw e;
            }
            LOG.warn("{}. The run goes on without this file.", e.getMessage());
        }
    }

    /**
     * Whether someone deleted the folder while the run works in it. Then it is made anew, as far as it can be, and what it held
     * before is lost: the caller should save what it has.
     *
     * @throws BadInput if another run has taken the folder meanwhile
     */
    boolean wasLost() {
        if (lock == null || !lock.isLost()) {
            return false;
        }
        boolean whole = written != null && Files.exists(folder.resolve(CONFIG)); // then the lock alone was deleted
        try {
            Files.createDirectories(folder);
            RunLock taken = RunLock.take(folder);
            lock.close();
            lock = taken;
        } catch (IOException e) {
            if (!unreachable) {
                LOG.warn("OUTPUT_DIR {} was deleted and cannot be made again: {}. The run goes on and tries to save at its end.", folder,
                        AtomicFiles.reason(e));
            }
            unreachable = true;
            return false;
        }
        unreachable = false;
        return !whole && madeAnew();
    }

    private boolean madeAnew() {
        log.close();
        log = LogFile.open(folder.resolve(logFile));
        LOG.warn("OUTPUT_DIR {} was deleted while the run works in it, with everything saved so far. It is made anew, and the run goes on.", folder);
        try {
            write(written);
        } catch (BadInput e) {
            LOG.warn("{}", e.getMessage());
        }
        return true;
    }

    /** Leaves the reason a run ended with in {@code log.txt}; the screen gets it from the command line. */
    <E extends Throwable> E failed(E failure) {
        log.error(failure);
        return failure;
    }

    @Override
    public void close() {
        if (metrics != null) {
            metrics.close();
        }
        log.close();
        if (lock != null) {
            lock.close();
        }
    }
}
