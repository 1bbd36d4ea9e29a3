package org.sparsercnn.util;

import java.nio.file.Path;
import java.util.Optional;

/** Where this user's programs keep what they can make again (XDG base directories). */
public final class UserCache {
    private UserCache() {}

    /** {@code XDG_CACHE_HOME}, else {@code ~/.cache}, of this program; empty for a user without a home. */
    public static Optional<Path> folder() {
        String cache = System.getenv("XDG_CACHE_HOME");
        Path base = cache != null && Path.of(cache).isAbsolute() ? Path.of(cache) : Path.of(System.getProperty("user.home"), ".cache");
        return base.isAbsolute() ? Optional.of(base.resolve("sparse-rcnn")) : Optional.empty();
    }
}
