package org.sparsercnn.dist;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The machine's name, as people know it: asked of the kernel, not of a name server, which may know none or take its time. */
final class Host {
    private static final Path NAME = Path.of("/proc/sys/kernel/hostname");

    private Host() {}

    static String name() {
        try {
            return Files.readString(NAME).strip();
        } catch (IOException e) {
            return "this machine";
        }
    }
}
