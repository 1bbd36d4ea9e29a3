package org.sparsercnn.io;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/**
 * The checkpoints of a run folder, under the names detectron2 gives them: {@code model_0004999.safetensors},
 * {@code model_final.safetensors}, {@code model_best.safetensors}, and a text file {@code last_checkpoint} naming the newest, which
 * may also be a {@code .pth} that detectron2 wrote.
 */
public final class Checkpoints {
    private static final Logger LOG = LoggerFactory.getLogger(Checkpoints.class);
    /** The best model's file. */
    public static final String BEST = "model_best.safetensors";
    private static final String LAST = "last_checkpoint";
    private static final Pattern PERIODIC = Pattern.compile("model_(\\d{7,18})\\.safetensors");

    private final Path folder;
    private final int keep;
    /** The run's periodic checkpoints by iteration: neither names nor clocks tell those of another run apart. */
    private final TreeMap<Long, Path> periodic = new TreeMap<>();

    /**
     * @param keep how many periodic checkpoints of this run to keep; 0 keeps all. Never deleted are model_final, model_best, the
     *     one that last_checkpoint names, and checkpoints of another run than this.
     */
    public Checkpoints(Path folder, int keep) {
        this.folder = folder;
        this.keep = keep;
    }

    /**
     * The run goes on from a checkpoint of this folder: those up to it are this run's as well.
     *
     * @param iteration the last one done
     */
    public void resumedAt(long iteration) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                Matcher name = PERIODIC.matcher(file.getFileName().toString());
                if (name.matches() && Long.parseLong(name.group(1)) <= iteration) {
                    periodic.put(Long.parseLong(name.group(1)), file);
                }
            }
        } catch (IOException e) { // then too many are kept
            LOG.warn("{}: cannot be listed: {}", folder, AtomicFiles.reason(e));
        }
    }

    /** Writes {@code model_<iteration>.safetensors} and then {@code last_checkpoint}; a failure leaves both as they were. */
    public Path savePeriodic(TrainingCheckpoint checkpoint) {
        Path file = save(String.format(Locale.ROOT, "model_%07d.safetensors", checkpoint.iteration()), checkpoint);
        name(file);
        periodic.put(checkpoint.iteration(), file);
        if (keep > 0) {
            deleteOld(file);
        }
        return file;
    }

    private void deleteOld(Path last) {
        while (periodic.size() > keep) {
            Path oldest = periodic.pollFirstEntry().getValue();
            try {
                if (!oldest.equals(last)) {
                    Files.deleteIfExists(oldest);
                }
            } catch (IOException e) {
                LOG.warn("{}: the old checkpoint cannot be deleted: {}", oldest, AtomicFiles.reason(e));
            }
        }
    }

    /** Writes {@code model_final.safetensors}, to resume from. */
    public Path saveFinal(TrainingCheckpoint checkpoint) {
        Path file = save("model_final.safetensors", checkpoint);
        name(file);
        return file;
    }

    /** Writes {@code model_best.safetensors}; what is resumed from stays the newest. */
    public Path saveBest(TrainingCheckpoint checkpoint) {
        return save(BEST, checkpoint);
    }

    private Path save(String name, TrainingCheckpoint checkpoint) {
        Path file = folder.resolve(name);
        LOG.info("Saving checkpoint to {}", file);
        checkpoint.write(file);
        return file;
    }

    private void name(Path file) {
        Path last = folder.resolve(LAST);
        try {
            AtomicFiles.write(last, out -> out.write(file.getFileName().toString().getBytes(StandardCharsets.UTF_8)));
        } catch (IOException e) {
            throw new BadInput(last + ": cannot be written: " + AtomicFiles.reason(e) + "; " + file
                    + " is complete: free some space or choose another OUTPUT_DIR", e);
        }
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
