package org.sparsercnn.app;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.data.Dataset;
import org.sparsercnn.io.CheckpointReader;
import org.sparsercnn.io.LoadedCheckpoint;
import org.sparsercnn.io.StateDict;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/** The category map inside a checkpoint: {@code "categories": {"ids": […], "names": […]}} of its training state. */
final class Categories {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.eval");
    private static final String KEY = CheckpointReader.CATEGORIES;

    private Categories() {}

    static void put(ObjectNode state, CategoryMap categories) {
        state.putObject(KEY).putPOJO("ids", categories.originalIds()).putPOJO("names", categories.names());
    }

    /** The same for a file of weights alone. */
    static void put(StateDict weights, CategoryMap categories) {
        ObjectNode state = Json.MAPPER.createObjectNode();
        put(state, categories);
        weights.putMetadata(KEY, state.get(KEY).toString());
    }

    /**
     * Holds the classes that weights were trained on against those of a data set. The same names in another order would be scored
     * wrongly without a sign of it; other names may be mere spelling.
     *
     * @throws BadInput for the same names in another order
     */
    static void requireOrder(LoadedCheckpoint weights, Dataset data) {
        List<String> there = data.categories().names();
        List<String> trained = in(weights).map(CategoryMap::names).orElse(there);
        if (there.equals(trained)) {
            return;
        }
        if (there.stream().sorted().toList().equals(trained.stream().sorted().toList())) {
            throw BadInput.of("%s was trained on the classes %s, and data set %s has them in another order: %s. Give its categories ids in the order"
                    + " of the training data's.", weights.file(), trained, data.name(), there);
        }
        LOG.warn("{} was trained on the classes {}; data set {} has {}. They are compared by their place in these lists.", weights.file(), trained,
                data.name(), there);
    }

    /** What the classes of a model are called: as its weights say, else its config's data sets, else by number. */
    static CategoryMap of(Environment environment, Config config, LoadedCheckpoint weights) {
        int classes = config.model().sparseRcnn().numClasses();
        return in(weights).filter(map -> map.size() == classes).or(() -> Datasets.categories(environment, config))
                .orElseGet(() -> CategoryMap.ofCount(classes));
    }

    static Optional<CategoryMap> in(LoadedCheckpoint checkpoint) {
        return in(checkpoint.file(), checkpoint.extras().get(KEY));
    }

    /** @param file for messages */
    static Optional<CategoryMap> in(Path file, ObjectNode state) {
        return in(file, Json.MAPPER.convertValue(state.get(KEY), Object.class));
    }

    private static Optional<CategoryMap> in(Path file, Object value) {
        if (!(value instanceof Map<?, ?> map)) {
            return Optional.empty();
        }
        if (!(map.get("ids") instanceof List<?> ids && map.get("names") instanceof List<?> names && ids.size() == names.size()
                && ids.stream().allMatch(Number.class::isInstance) && ids.stream().distinct().count() == ids.size())) {
            throw new BadInput(file + ": its list of categories is damaged; remove it or use other weights");
        }
        return Optional.of(new CategoryMap(ids.stream().mapToLong(id -> ((Number) id).longValue()).toArray(),
                names.stream().map(String::valueOf).toList()));
    }
}
