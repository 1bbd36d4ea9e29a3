package org.sparsercnn.train;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/**
 * A file that grows by whole records. A disk that is full must not end a run of days for a row of numbers: what could not be
 * written is kept, half a record is taken back, and both are made good with the next one.
 */
final class RecordFile implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");

    private final Path file;
    private final ByteArrayOutputStream waiting = new ByteArrayOutputStream();
    /** So many bytes of the file are whole records. */
    private long whole;
    private boolean failing;

    /**
     * Goes on at the end of {@code file}, or begins it.
     *
     * @throws BadInput if it cannot be written to
     */
    RecordFile(Path file) {
        this.file = file;
        try (RandomAccessFile f = open()) {
            whole = f.length();
        } catch (IOException e) {
            throw new BadInput(file + ": cannot be written: " + AtomicFiles.reason(e) + "; free some space or choose another OUTPUT_DIR", e);
        }
    }

    private RandomAccessFile open() throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        return new RandomAccessFile(file.toFile(), "rw"); // not a channel: that fails in a thread that is interrupted
    }

    /** Appends a record; when this returns it is in the file, or a warning was logged. */
    void append(byte[] record) {
        waiting.writeBytes(record);
        try (RandomAccessFile f = open()) {
            whole = Math.min(whole, f.length()); // less where the file was taken away meanwhile
            f.setLength(whole);
            f.seek(whole);
            f.write(waiting.toByteArray());
            whole += waiting.size();
            waiting.reset();
            failing = false;
        } catch (IOException e) {
            if (!failing) {
                LOG.warn("{}: cannot be written: {}; the run goes on, and what is missing is written when that is possible again", file,
                        AtomicFiles.reason(e));
            }
            failing = true;
        }
    }

    @Override
    public void close() {
        if (waiting.size() > 0) {
            LOG.warn("{}: the last {} bytes could not be written and are lost", file, waiting.size());
        }
    }
}
