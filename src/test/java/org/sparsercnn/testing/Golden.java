package org.sparsercnn.testing;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.sparsercnn.util.Json;

/**
 * A group of recorded numbers of the published implementation: {@code golden/<group>.json} and {@code .safetensors.gz}. Large
 * cases may lie in {@code <group>-large.safetensors.gz}, which a portable distribution leaves out.
 */
public final class Golden {
    /** Where a tensor lies. */
    private record Place(JsonNode header, ByteBuffer data) {}

    private final JsonNode json;
    private final Map<String, Place> tensors = new HashMap<>();

    private Golden(JsonNode json) {
        this.json = json;
    }

    private void add(byte[] file) {
        ByteBuffer all = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int header = Math.toIntExact(all.getLong(0));
        ByteBuffer data = all.slice(8 + header, all.capacity() - 8 - header).order(ByteOrder.LITTLE_ENDIAN);
        try {
            Json.MAPPER.readTree(file, 8, header).properties().forEach(e -> tensors.put(e.getKey(), new Place(e.getValue(), data)));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    public static Golden load(String group) {
        Golden golden = new Golden(json(group));
        golden.add(bytes("golden/" + group + ".safetensors.gz"));
        String large = "golden/" + group + "-large.safetensors.gz";
        if (Golden.class.getClassLoader().getResource(large) != null) {
            golden.add(bytes(large));
        }
        return golden;
    }

    public static JsonNode json(String group) {
        try {
            return Json.MAPPER.readTree(new ByteArrayInputStream(bytes("golden/" + group + ".json.gz")));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] bytes(String resource) {
        try (InputStream in = Golden.class.getClassLoader().getResourceAsStream(resource)) {
            if (in == null) {
                throw new AssertionError("no test resource " + resource);
            }
            return new GZIPInputStream(in).readAllBytes();
        } catch (IOException e) {
            throw new AssertionError(resource, e);
        }
    }

    public JsonNode json() {
        return json;
    }

    public boolean has(String tensor) {
        return tensors.containsKey(tensor);
    }

    /** The tensor, or the elements of it that were kept at evenly spread positions. */
    public Array any(String tensor) {
        return array(has(tensor) ? tensor : tensor + "#sample");
    }

    /** Any numeric tensor, widened to float64. */
    public Array array(String tensor) {
        Place place = tensors.get(tensor);
        if (place == null) {
            throw new AssertionError("no golden tensor " + tensor);
        }
        JsonNode h = place.header;
        ByteBuffer data = place.data;
        long[] shape = new long[h.get("shape").size()];
        for (int i = 0; i < shape.length; i++) {
            shape[i] = h.get("shape").get(i).asLong();
        }
        int at = h.get("data_offsets").get(0).asInt();
        Array out = Array.zeros(shape);
        double[] v = out.values();
        for (int i = 0; i < v.length; i++) {
            v[i] = switch (h.get("dtype").asText()) {
                case "F32" -> data.getFloat(at + 4 * i);
                case "F64" -> data.getDouble(at + 8 * i);
                case "I64" -> data.getLong(at + 8 * i);
                case "I32" -> data.getInt(at + 4 * i);
                case "U8", "BOOL" -> data.get(at + i) & 0xff;
                default -> throw new AssertionError(tensor + ": " + h.get("dtype"));
            };
        }
        return out;
    }
}
