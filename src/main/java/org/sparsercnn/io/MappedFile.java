package org.sparsercnn.io;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/** A whole file as one read-only segment, so that tensors can be slices of it instead of copies. */
final class MappedFile {
    private MappedFile() {}

    /** The mapping lives as long as any tensor that points into it. */
    static MemorySegment map(Path file) {
        if (Files.isDirectory(file)) {
            throw new BadInput(file + ": is a folder; name the weights file inside it");
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            if (channel.size() == 0) {
                throw new BadInput(file + ": is empty (0 bytes), not a checkpoint; download or copy it again");
            }
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
        } catch (IOException e) {
            throw new BadInput(file + ": cannot be read: " + AtomicFiles.reason(e)
                    + "; check MODEL.WEIGHTS or the path on the command line", e);
        }
    }
}
