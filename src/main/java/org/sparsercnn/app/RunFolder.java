package org.sparsercnn.app;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
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

    private final Config config;
    private final Path folder;
    private final LogFile log;
    private RunMetrics metrics; // from the first step on

    private RunFolder(Config config, Path folder) {
        this.config = config;
        this.folder = folder;
        this.log = LogFile.open(folder.resolve("log.txt"));
    }

    /** @throws BadInput if the folder cannot be made or written to */
    static RunFolder open(Config config) {
        Path folder = Path.of(config.outputDir());
        try {
            Files.createDirectories(folder);
            Files.delete(Files.createTempFile(folder, "writable", null));
        } catch (IOException e) {
            throw new BadInput("OUTPUT_DIR " + folder + ": cannot be written: " + reason(folder, e) + "; choose another OUTPUT_DIR", e);
        }
        return new RunFolder(config, folder);
    }

    /** Says what the run was started with and on: in short on the screen, in full in {@code log.txt}. */
    void report(Environment environment) {
        new EnvironmentReport(environment).log(log);
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
        return new Checkpoints(folder, 0);
    }

    /** Where results on a data set go: {@code inference/}, or a folder in it where several sets would share file names. */
    Path inference(String dataset) {
        Path inference = folder.resolve("inference");
        return config.datasets().test().size() > 1 ? inference.resolve(dataset) : inference;
    }

    /** @param config as it is used, with what came from the data */
    void writeConfig(Config config) {
        Path file = folder.resolve("config.yaml");
        try {
            AtomicFiles.write(file, out -> out.write(config.dump().getBytes(StandardCharsets.UTF_8)));
        } catch (IOException e) {
            throw new BadInput(file + ": cannot be written: " + AtomicFiles.reason(e) + "; choose another OUTPUT_DIR", e);
        }
        LOG.info("Full config saved to {}", file);
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
    }
}
