package org.sparsercnn.util;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Files that are either wholly there or not there, also after the power failed: written beside their place, brought to the disk,
 * then renamed.
 */
public final class AtomicFiles {
    private static final String PART = ".part-";

    /** Fills the temporary file. */
    @FunctionalInterface
    public interface Writer {
        void write(OutputStream out) throws IOException;
    }

    private AtomicFiles() {}

    /** Writes {@code file} through {@code <file>.part-<pid>}; nothing is left behind when {@code writer} fails. */
    public static void write(Path file, Writer writer) throws IOException {
        Path absolute = file.toAbsolutePath();
        Files.createDirectories(absolute.getParent());
        Path part = absolute.resolveSibling(absolute.getFileName() + PART + ProcessHandle.current().pid());
        try {
            try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(part), 1 << 16)) {
                writer.write(out);
            }
            // Without this the new name may reach the disk before the bytes do, and a power cut leaves neither old nor new.
            try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
                channel.force(true);
            }
            Files.move(part, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            bringNamesToDisk(absolute.getParent());
        } finally {
            Files.deleteIfExists(part);
        }
    }

    /** A file system that cannot do that for folders (some on networks) keeps its own order. */
    private static void bringNamesToDisk(Path folder) {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (IOException _) { // the file is in its place all the same
        }
    }

    /**
     * Deletes what processes that were killed while they wrote left in {@code folder}.
     *
     * @return the files deleted
     */
    public static List<Path> deleteAbandoned(Path folder) throws IOException {
        List<Path> deleted = new ArrayList<>();
        try (DirectoryStream<Path> parts = Files.newDirectoryStream(folder, "*" + PART + "*")) {
            for (Path part : parts) {
                String pid = part.toString().substring(part.toString().lastIndexOf(PART) + PART.length());
                if (pid.matches("\\d{1,18}") && ProcessHandle.of(Long.parseLong(pid)).isEmpty() && Files.deleteIfExists(part)) {
                    deleted.add(part);
                }
            }
        }
        return deleted;
    }

    /** A reason a person understands: the JDK's file exceptions carry only the path. */
    public static String reason(IOException e) {
        return switch (e) {
            case NoSuchFileException _ -> "no such file";
            case AccessDeniedException _ -> "permission denied";
            case FileAlreadyExistsException f -> f.getFile() + " is no folder";
            case FileSystemLoopException f -> f.getFile() + " is a link to a folder that holds it";
            case FileSystemException f when f.getReason() != null -> f.getReason();
            default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        };
    }

    /** The same for a file of {@code bytes}, with how much room it wanted where there was less. */
    public static String reason(IOException e, Path file, long bytes) {
        try {
            long free = Files.getFileStore(file.toAbsolutePath().getParent()).getUsableSpace();
            return reason(e) + (free < bytes ? String.format(Locale.ROOT, " (%s needed, %s free)", size(bytes), size(free)) : "");
        } catch (IOException _) { // the first reason is the one that counts
            return reason(e);
        }
    }

    private static String size(long bytes) {
        return bytes < 10_000_000 ? String.format(Locale.ROOT, "%,d KB", (bytes + 999) / 1000) : String.format(Locale.ROOT, "%,d MB", bytes / 1_000_000);
    }
}
