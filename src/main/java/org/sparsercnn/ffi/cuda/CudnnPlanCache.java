package org.sparsercnn.ffi.cuda;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.zip.CRC32;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.ffi.cuda.CudaDnn.Fused;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.Json;
import org.sparsercnn.util.UserCache;

/**
 * Plans as JSON, one file each, so that the next run of the program need not ask the heuristics nor compile. A file that is damaged
 * or was written for something else is as good as none; a folder that cannot be written is no error.
 *
 * @param folder made when the first plan is stored
 */
record CudnnPlanCache(Path folder) {
    private static final int FORMAT = 1;
    private static final Logger LOG = LoggerFactory.getLogger(CudnnPlanCache.class);

    /** @param plan what cuDNN said of the plan; {@code fused} what it does */
    record Entry(Fused fused, String plan) {}

    /** A file; {@code key} is there in full because its name is only a hash. */
    private record Stored(int format, String key, Fused fused, long crc32, String plan) {}

    /**
     * Below this user's cache folder; empty where there is none. Never a temporary folder: what lies in one may be somebody
     * else's, and cuDNN trusts a plan that it reads.
     */
    static Optional<CudnnPlanCache> ofThisUser() {
        return UserCache.folder().map(folder -> new CudnnPlanCache(folder.resolve("cudnn-plans")));
    }

    /** @param key everything that decides which plan is right */
    Optional<Entry> find(String key) {
        Path file = file(key);
        try {
            JsonNode root = Json.MAPPER.readTree(Files.readAllBytes(file));
            Stored stored = Json.MAPPER.treeToValue(root, Stored.class);
            if (stored == null || stored.format != FORMAT || !key.equals(stored.key) || stored.fused == null || stored.plan == null
                    || stored.crc32 != crc32(stored.plan)) {
                LOG.debug("{} is damaged or not of this version; it will be written again", file);
                return Optional.empty();
            }
            return Optional.of(new Entry(stored.fused, stored.plan));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (JsonProcessingException e) {
            LOG.debug("{} is damaged; it will be written again: {}", file, e.getOriginalMessage());
            return Optional.empty();
        } catch (IOException e) {
            LOG.debug("{} cannot be read: {}", file, AtomicFiles.reason(e));
            return Optional.empty();
        }
    }

    void store(String key, Entry entry) {
        var stored = new Stored(FORMAT, key, entry.fused, crc32(entry.plan), entry.plan);
        try {
            AtomicFiles.write(file(key), out -> Json.MAPPER.writeValue(out, stored));
        } catch (IOException e) {
            LOG.debug("{} cannot be written: {}", file(key), AtomicFiles.reason(e));
        }
    }

    Path file(String key) {
        return folder.resolve("%08x-%08x.json".formatted(key.hashCode(), crc32(key)));
    }

    private static long crc32(String text) {
        CRC32 crc = new CRC32();
        crc.update(text.getBytes(StandardCharsets.UTF_8));
        return crc.getValue();
    }
}
