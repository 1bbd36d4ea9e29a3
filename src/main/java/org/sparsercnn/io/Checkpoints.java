package org.sparsercnn.io;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/**
 * The checkpoints of a run folder, under the names detectron2 gives them: {@code model_0004999.safetensors},
 * {@code model_final.safetensors}, and a text file {@code last_checkpoint} naming the newest, which may also be a
 * {@code .pth} that detectron2 wrote.
 */
public final class Checkpoints {
    private static final Logger LOG = LoggerFactory.getLogger(Checkpoints.class);
    private static final String LAST = "last_checkpoint";

    private final Path folder;
    private final int keep;
    private final Deque<Path> written = new ArrayDeque<>();

    /**
     * @param keep how many periodic checkpoints of this run to keep; 0 keeps all. model_final and checkpoints of earlier
     *     runs are never deleted.
     */
    public Checkpoints(Path folder, int keep) {
        this.folder = folder;
        this.keep = keep;
    }

    /** Writes {@code model_<iteration>.safetensors} and then {@code last_checkpoint}; a failure leaves both as they were. */
    public Path savePeriodic(TrainingCheckpoint checkpoint) {
        Path file = save(String.format(Locale.ROOT, "model_%07d.safetensors", checkpoint.iteration()), checkpoint);
        written.remove(file);
        written.addLast(file);
        while (keep > 0 && written.size() > keep) {
            Path oldest = written.removeFirst();
            try {
                Files.deleteIfExists(oldest);
            } catch (IOException e) {
                LOG.warn("{}: the old checkpoint cannot be deleted: {}", oldest, AtomicFiles.reason(e));
            }
        }
        return file;
    }

    /** Writes {@code model_final.safetensors}. */
    public Path saveFinal(TrainingCheckpoint checkpoint) {
        return save("model_final.safetensors", checkpoint);
    }

    private Path save(String name, TrainingCheckpoint checkpoint) {
        Path file = folder.resolve(name);
        LOG.info("Saving checkpoint to {}", file);
        checkpoint.write(file);
        Path last = folder.resolve(LAST);
        try {
            AtomicFiles.write(last, out -> out.write(name.getBytes(StandardCharsets.UTF_8)));
        } catch (IOException e) {
            throw new BadInput(last + ": cannot be written: " + AtomicFiles.reason(e) + "; " + file
                    + " is complete: free some space or choose another OUTPUT_DIR", e);
        }
        return file;
    }

    /** The checkpoint to resume from, empty if the folder has none; {@link BadInput} if the one it names is gone. */
    public Optional<Path> latest() {
        Path last = folder.resolve(LAST);
        if (!Files.exists(last)) {
            return Optional.empty();
        }
        try {
            String name = Files.readString(last).strip();
            Path file = folder.resolve(name);
            if (name.isEmpty() || !Files.isRegularFile(file)) {
                throw new BadInput(last + ": names the checkpoint '" + name + "', which is not there; write the name of one"
                        + " that is into it, or delete it to start anew");
            }
            return Optional.of(file);
        } catch (IOException e) {
            throw new BadInput(last + ": cannot be read: " + AtomicFiles.reason(e), e);
        }
    }
}
