package org.sparsercnn.app;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.io.LoadedCheckpoint;
import org.sparsercnn.util.Json;

/** The category map inside a checkpoint: {@code "categories": {"ids": […], "names": […]}} of its training state. */
final class Categories {
    private static final String KEY = "categories";

    private Categories() {}

    static void put(ObjectNode state, CategoryMap categories) {
        state.putObject(KEY).putPOJO("ids", categories.originalIds()).putPOJO("names", categories.names());
    }

    static Optional<CategoryMap> in(LoadedCheckpoint checkpoint) {
        if (!(checkpoint.extras().get(KEY) instanceof Map<?, ?> map)) {
            return Optional.empty();
        }
        long[] ids = Json.MAPPER.convertValue(map.get("ids"), long[].class);
        List<?> names = Json.MAPPER.convertValue(map.get("names"), List.class);
        return Optional.of(new CategoryMap(ids, names.stream().map(Object::toString).toList()));
    }
}
