package org.sparsercnn.io;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.stream.StreamSupport;
import java.util.zip.GZIPInputStream;
import org.sparsercnn.util.Json;

/** The checkpoint files of golden/checkpoint, unpacked from the form that its pack.py describes, and their JSON. */
final class GoldenFiles {
    private static final String FOLDER = "/golden/checkpoint/";

    private GoldenFiles() {}

    static JsonNode json() {
        try (InputStream in = GoldenFiles.class.getResourceAsStream(FOLDER + "checkpoint.json")) {
            return Json.MAPPER.readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Parameters and buffers of the model behind all micro_* files, in the model's order. */
    static SequencedMap<String, long[]> microShapes() {
        SequencedMap<String, long[]> shapes = new LinkedHashMap<>();
        json().get("micro_weights").properties().forEach(e -> shapes.put(e.getKey(),
                StreamSupport.stream(e.getValue().get("shape").spliterator(), false).mapToLong(JsonNode::asLong).toArray()));
        return shapes;
    }

    static void unpack(Path folder) {
        try (InputStream resource = GoldenFiles.class.getResourceAsStream(FOLDER + "files.lz.gz");
                DataInputStream in = new DataInputStream(new BufferedInputStream(new GZIPInputStream(resource)))) {
            byte[] everything = new byte[16 << 20];
            int at = 0;
            for (int files = in.readInt(); files > 0; files--) {
                String name = in.readUTF();
                int length = in.readInt();
                int start = at;
                for (int steps = in.readInt(); steps > 0; steps--) {
                    int literal = in.readInt();
                    in.readFully(everything, at, literal);
                    at += literal;
                    int from = in.readInt();
                    int copied = in.readInt();
                    System.arraycopy(everything, from, everything, at, copied);
                    at += copied;
                }
                if (at - start != length) {
                    throw new IOException(name + " is not packed as it should be");
                }
                Files.write(folder.resolve(name), java.util.Arrays.copyOfRange(everything, start, at));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
