package org.sparsercnn.app;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.io.LoadedCheckpoint;
import org.sparsercnn.util.BadInput;

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
        if (!(map.get("ids") instanceof List<?> ids && map.get("names") instanceof List<?> names && ids.size() == names.size()
                && ids.stream().allMatch(Number.class::isInstance) && ids.stream().distinct().count() == ids.size())) {
            throw new BadInput(checkpoint.file() + ": its list of categories is damaged; remove it or use other weights");
        }
        return Optional.of(new CategoryMap(ids.stream().mapToLong(id -> ((Number) id).longValue()).toArray(),
                names.stream().map(String::valueOf).toList()));
    }
}
