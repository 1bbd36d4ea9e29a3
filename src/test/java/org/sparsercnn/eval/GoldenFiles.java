package org.sparsercnn.eval;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.zip.GZIPInputStream;
import org.sparsercnn.util.Json;

/** Test resources of golden/cocoeval; large ones lie there gzipped. */
final class GoldenFiles {
    private GoldenFiles() {}

    /** Unpacks {@code name.json} or {@code name.json.gz} into {@code folder}. */
    static Path file(Path folder, String name) throws IOException {
        Path file = folder.resolve(name + ".json");
        try (InputStream in = open(name)) {
            Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
        }
        return file;
    }

    static JsonNode json(String name) throws IOException {
        try (InputStream in = open(name)) {
            return Json.MAPPER.readTree(in);
        }
    }

    private static InputStream open(String name) throws IOException {
        InputStream plain = GoldenFiles.class.getResourceAsStream("/golden/cocoeval/" + name + ".json");
        return plain != null ? plain : new GZIPInputStream(GoldenFiles.class.getResourceAsStream("/golden/cocoeval/" + name + ".json.gz"));
    }
}
