package org.sparsercnn.train;

import java.nio.file.Path;
import java.util.Map;

/** The numbers of a run, in {@code metrics.json} and in an event file for TensorBoard, under detectron2's names. */
public final class RunMetrics implements AutoCloseable {
    private final MetricsFile file;
    private final TensorBoardLog tensorBoard;

    /**
     * Goes on where a run in {@code folder} stopped, or begins anew.
     *
     * @param folder OUTPUT_DIR
     * @param start first iteration that is still to be done; rows of it and later ones are forgotten
     */
    public RunMetrics(Path folder, long start) {
        file = MetricsFile.open(folder.resolve("metrics.json"), start);
        tensorBoard = new TensorBoardLog(folder, start);
    }

    /**
     * A row, which is in the files at once. A number that is not finite counts as undefined.
     *
     * @param iteration the last one done, from 0
     */
    public void write(long iteration, Map<String, Double> scalars) {
        file.write(iteration, scalars);
        tensorBoard.write(iteration, scalars);
    }

    @Override
    public void close() {
        file.close();
        tensorBoard.close();
    }
}
