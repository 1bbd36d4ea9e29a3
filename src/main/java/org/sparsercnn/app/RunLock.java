package org.sparsercnn.app;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/**
 * One training at a time in a folder: an operating system's lock on {@code run.lock}. It ends with the process, however that ends,
 * so the file of a run that was killed bars no one. Closing deletes the file.
 *
 * <p>Where another channel of this process opens the file and closes it again, Linux drops the lock: here no one does.
 */
final class RunLock implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.run");
    private static final String NAME = "run.lock";
    private static final int ATTEMPTS = 10;

    private final Path file;
    private final FileChannel channel;
    private final Object key;

    private RunLock(Path file, FileChannel channel, Object key) {
        this.file = file;
        this.channel = channel;
        this.key = key;
    }

    /**
     * Locks {@code folder}, or only warns where its file system has no locks.
     *
     * @throws BadInput if another run works there
     * @throws IOException if the file cannot be made
     */
    static RunLock take(Path folder) throws IOException {
        Path file = folder.resolve(NAME);
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            Object before = keyOrNewFile(file);
            FileChannel channel;
            try {
                channel = FileChannel.open(file, StandardOpenOption.WRITE);
            } catch (NoSuchFileException _) { // deleted by a run that ended just now
                continue;
            }
            lock(folder, file, channel);
            if (before.equals(key(file))) { // else what is locked is a file that is no longer there
                channel.truncate(0).write(ByteBuffer.wrap(("process " + ProcessHandle.current().pid()).getBytes(StandardCharsets.UTF_8)));
                return new RunLock(file, channel, before);
            }
            channel.close();
        }
        throw new IOException(NAME + " is made and deleted by others all the time");
    }

    private static void lock(Path folder, Path file, FileChannel channel) throws IOException {
        String holder;
        try {
            if (channel.tryLock() != null) {
                return;
            }
            channel.close();
            holder = Files.readString(file).strip();
        } catch (OverlappingFileLockException _) { // the channel stays open, see above
            holder = "this process";
        } catch (IOException e) {
            LOG.warn("{}: cannot be locked: {}. Nothing keeps a second run out of this folder.", file, AtomicFiles.reason(e));
            return;
        }
        throw new BadInput("OUTPUT_DIR " + folder + ": another run works there (" + holder + "); wait for its end, stop it, or choose another"
                + " OUTPUT_DIR");
    }

    private static Object keyOrNewFile(Path file) throws IOException {
        try {
            Files.createFile(file);
        } catch (FileAlreadyExistsException _) { // of another run, or left by one that was killed
        }
        Object key = key(file);
        return key == null ? "" : key;
    }

    /** Which file stands under the name; null for none. */
    private static Object key(Path file) throws IOException {
        try {
            Object key = Files.readAttributes(file, BasicFileAttributes.class).fileKey();
            return key == null ? file : key;
        } catch (NoSuchFileException _) {
            return null;
        }
    }

    /** Whether the folder, or this file in it, was deleted since. */
    boolean isLost() {
        try {
            return !key.equals(key(file));
        } catch (IOException _) { // a folder that cannot be reached may come back
            return false;
        }
    }

    @Override
    public void close() {
        try (channel) {
            if (!isLost()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            LOG.debug("{}: {}", file, AtomicFiles.reason(e));
        }
    }
}
