package org.sparsercnn.io;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/**
 * The safetensors format: 8 bytes header length, a JSON header naming every tensor's type, shape and place, and the
 * tensors without gaps (https://github.com/huggingface/safetensors).
 */
public final class Safetensors {
    /** The format's own limit. */
    private static final long LONGEST_HEADER = 100_000_000;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private record Place(String name, long begin, long end) {}

    private Safetensors() {}

    /** Reads a file; its tensors are slices of the mapping. {@link BadInput} names the file and what is wrong with it. */
    public static StateDict read(Path file) {
        try {
            return read(MappedFile.map(file));
        } catch (Malformed e) {
            throw new BadInput(file + ": not a usable safetensors file: " + e.getMessage(), e);
        }
    }

    /** Whether the file starts like one, even if it is damaged further on. */
    static boolean looksLike(MemorySegment file) {
        return file.byteSize() >= 9 && file.get(ValueLayout.JAVA_BYTE, 8) == '{'
                && file.get(LONG, 0) > 0 && file.get(LONG, 0) <= LONGEST_HEADER;
    }

    static StateDict read(MemorySegment file) {
        if (!looksLike(file)) {
            throw new Malformed("its first 8 bytes are no header length followed by a JSON header");
        }
        long headerLength = file.get(LONG, 0);
        if (headerLength > file.byteSize() - 8) {
            throw new Malformed("truncated: the header is " + headerLength + " bytes long, the file " + file.byteSize());
        }
        ObjectNode header = parse(file.asSlice(8, headerLength).toArray(ValueLayout.JAVA_BYTE));
        MemorySegment data = file.asSlice(8 + headerLength);
        StateDict out = new StateDict();
        List<Place> places = new ArrayList<>();
        for (Map.Entry<String, JsonNode> entry : header.properties()) {
            if (entry.getKey().equals("__metadata__")) {
                entry.getValue().properties().forEach(e -> out.putMetadata(e.getKey(), e.getValue().asText()));
            } else {
                out.put(entry.getKey(), tensor(entry.getKey(), entry.getValue(), data, places));
            }
        }
        requireNoGaps(places, data.byteSize());
        return out;
    }

    private static ObjectNode parse(byte[] header) {
        try (JsonParser parser = Json.MAPPER.createParser(header).enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)) {
            if (Json.MAPPER.readTree(parser) instanceof ObjectNode object) {
                return object;
            }
            throw new Malformed("its header is not a JSON object");
        } catch (JsonProcessingException e) {
            throw new Malformed("its header is not the JSON that was expected: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw new Malformed("its header cannot be read: " + e.getMessage());
        }
    }

    private static HostTensor tensor(String name, JsonNode entry, MemorySegment data, List<Place> places) {
        Dtype dtype = Dtype.ofSafetensors(entry.path("dtype").asText());
        long[] shape = longs(name, entry.path("shape"));
        long[] offsets = longs(name, entry.path("data_offsets"));
        if (offsets.length != 2 || offsets[0] < 0 || offsets[1] < offsets[0]) {
            throw new Malformed("tensor '" + name + "' has the offsets " + Arrays.toString(offsets));
        }
        if (offsets[1] > data.byteSize()) {
            throw new Malformed("truncated: tensor '" + name + "' ends at byte " + offsets[1] + " of the data, "
                    + data.byteSize() + " are there; download or copy the file again");
        }
        places.add(new Place(name, offsets[0], offsets[1]));
        return new HostTensor(dtype, shape, data.asSlice(offsets[0], offsets[1] - offsets[0]));
    }

    private static long[] longs(String name, JsonNode node) {
        if (!(node instanceof ArrayNode array)) {
            throw new Malformed("tensor '" + name + "' lacks its shape or its offsets");
        }
        long[] out = new long[array.size()];
        for (int i = 0; i < out.length; i++) {
            if (!array.get(i).isIntegralNumber() || !array.get(i).canConvertToLong()) {
                throw new Malformed("tensor '" + name + "' has " + array.get(i) + " where a whole number was expected");
            }
            out[i] = array.get(i).longValue();
        }
        return out;
    }

    /** The format demands that every byte belongs to one tensor; anything else is a damaged or a crafted file. */
    private static void requireNoGaps(List<Place> places, long dataBytes) {
        places.sort(Comparator.comparingLong(Place::begin).thenComparingLong(Place::end));
        long at = 0;
        for (Place p : places) {
            if (p.begin != at) {
                throw new Malformed("tensor '" + p.name + "' starts at byte " + p.begin + " of the data instead of " + at);
            }
            at = p.end;
        }
        if (at != dataBytes) {
            throw new Malformed("its tensors take " + at + " bytes, but " + dataBytes + " follow the header");
        }
    }

    /** Writes {@code file} whole or not at all; an older file of that name stays when writing fails. */
    public static void write(Path file, StateDict tensors) {
        try {
            AtomicFiles.write(file, out -> write(out, tensors));
        } catch (IOException e) {
            throw new BadInput(file + ": cannot be written: " + AtomicFiles.reason(e, file, tensors.byteSize())
                    + "; free some space or choose another folder (what was there before is untouched)", e);
        }
    }

    private static void write(OutputStream out, StateDict tensors) throws IOException {
        // Widest types first keeps every tensor aligned to its own element size.
        List<Map.Entry<String, HostTensor>> ordered = new ArrayList<>(tensors.tensors().entrySet());
        ordered.sort(Comparator.comparingInt(e -> -e.getValue().dtype().bytes()));
        ObjectNode header = Json.MAPPER.createObjectNode();
        if (!tensors.metadata().isEmpty()) {
            tensors.metadata().forEach(header.putObject("__metadata__")::put);
        }
        long at = 0;
        for (Map.Entry<String, HostTensor> e : ordered) {
            HostTensor t = e.getValue();
            ObjectNode entry = header.putObject(e.getKey()).put("dtype", t.dtype().name());
            ArrayNode shape = entry.putArray("shape");
            Arrays.stream(t.shape()).forEach(shape::add);
            entry.putArray("data_offsets").add(at).add(at += t.data().byteSize());
        }
        byte[] json = Json.MAPPER.writeValueAsString(header).getBytes(StandardCharsets.UTF_8);
        int padded = (json.length + 7) / 8 * 8;
        byte[] head = Arrays.copyOf(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(padded).array(), 8 + padded);
        System.arraycopy(json, 0, head, 8, json.length);
        Arrays.fill(head, 8 + json.length, head.length, (byte) ' ');
        out.write(head);
        for (Map.Entry<String, HostTensor> e : ordered) {
            copy(e.getValue().data(), out);
        }
    }

    /** Writes a segment of any size to a stream. */
    static void copy(MemorySegment data, OutputStream out) throws IOException {
        byte[] chunk = new byte[(int) Math.min(1 << 20, data.byteSize())];
        for (long at = 0; at < data.byteSize(); at += chunk.length) {
            int n = (int) Math.min(chunk.length, data.byteSize() - at);
            MemorySegment.copy(data, ValueLayout.JAVA_BYTE, at, chunk, 0, n);
            out.write(chunk, 0, n);
        }
    }
}
