package org.sparsercnn.config;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.sparsercnn.util.Json;

/** The published configuration system's numbers: defaults, files, and how values arrive. */
final class GoldenConfig {
    static final JsonNode ROOT = read();

    private GoldenConfig() {}

    private static JsonNode read() {
        try (InputStream in = GoldenConfig.class.getResourceAsStream("/golden/config.json")) {
            return Json.MAPPER.readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A {@code {type, value}} node. */
    static PyValue value(JsonNode typed) {
        JsonNode value = typed.get("value");
        return switch (typed.get("type").asText()) {
            case "none" -> new PyValue.None();
            case "bool" -> new PyValue.Bool(value.booleanValue());
            case "int" -> new PyValue.Int(new BigInteger(value.asText()));
            case "float" -> new PyValue.Real(value.isTextual() ? Double.parseDouble(value.asText()) : value.doubleValue());
            case "str" -> new PyValue.Str(value.textValue());
            case "list" -> new PyValue.PyList(items(value));
            case "tuple" -> new PyValue.Tuple(items(value));
            case "dict" -> {
                Map<PyValue, PyValue> entries = new LinkedHashMap<>();
                value.properties().forEach(e -> entries.put(new PyValue.Str(e.getKey()), value(e.getValue())));
                yield new PyValue.Dict(entries);
            }
            case String other -> new PyValue.Other(other, value.asText());
        };
    }

    private static List<PyValue> items(JsonNode array) {
        return stream(array).map(GoldenConfig::value).toList();
    }

    static java.util.stream.Stream<JsonNode> stream(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false);
    }

    /** The leaves of a nested tree of typed values, by dotted name. */
    static Map<String, PyValue> leaves(JsonNode tree) {
        Map<String, PyValue> leaves = new LinkedHashMap<>();
        collect(tree, "", leaves);
        return leaves;
    }

    private static void collect(JsonNode tree, String prefix, Map<String, PyValue> leaves) {
        tree.properties().forEach(e -> {
            if (e.getValue().size() == 2 && e.getValue().has("type") && e.getValue().has("value")) {
                leaves.put(prefix + e.getKey(), value(e.getValue()));
            } else {
                collect(e.getValue(), prefix + e.getKey() + ".", leaves);
            }
        });
    }
}
