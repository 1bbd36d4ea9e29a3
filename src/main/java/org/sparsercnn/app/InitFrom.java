package org.sparsercnn.app;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.io.HostTensor;
import org.sparsercnn.io.LoadedCheckpoint;
import org.sparsercnn.io.ModelState;
import org.sparsercnn.io.WeightsMatch;
import org.sparsercnn.io.WeightsMatch.Misshapen;
import org.sparsercnn.io.WeightsMatcher;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.util.BadInput;

/**
 * The weights of another model as the start of a training on other classes. Only the class layers, {@code class_logits} of every
 * head, may differ in shape. Where both sides' classes have names, a class keeps its weights wherever it now stands; the weights of
 * new classes stay as initialised.
 */
final class InitFrom {
    private static final Pattern CLASS_LAYER = Pattern.compile("head\\.head_series\\.\\d+\\.class_logits\\.(weight|bias)");
    /** Caffe2's ResNets come without: mean 0 and variance 1 are meant. */
    private static final Pattern STATISTICS = Pattern.compile("running_(mean|var)$");
    private static final String BACKBONE = "backbone.bottom_up.";

    private final SparseRcnn model;
    private final LoadedCheckpoint checkpoint;
    private final WeightsMatch match;
    private final Optional<ClassRows> rows;
    private final List<String> loaded = new ArrayList<>();
    private final List<String> byRow = new ArrayList<>();
    private final List<String> reinitialised = new ArrayList<>();

    private InitFrom(SparseRcnn model, LoadedCheckpoint checkpoint, CategoryMap classes) {
        this.model = model;
        this.checkpoint = checkpoint;
        this.match = WeightsMatcher.match(checkpoint, ModelState.shapes(model.parameters()));
        this.rows = Categories.in(checkpoint).flatMap(before -> ClassRows.between(before, classes));
    }

    /**
     * Loads what may be loaded.
     *
     * @param classes of the data to train on
     * @return a table of what was loaded, reinitialised and not used
     * @throws BadInput if the file has no weights for the backbone, or anything but a class layer in another shape
     */
    static String load(SparseRcnn model, LoadedCheckpoint checkpoint, CategoryMap classes) {
        InitFrom from = new InitFrom(model, checkpoint, classes);
        from.requireSameModel();
        from.load();
        return from.table();
    }

    private void requireSameModel() {
        List<String> others = match.misshapen().stream().filter(m -> !isClassLayer(m)).map(Misshapen::toString).toList();
        if (!others.isEmpty()) {
            throw BadInput.of("--init-from %s: another model than the config's: %s%s. Only the class layers may differ; use the config the weights"
                    + " were trained with (config.yaml beside them, or in the file), changing classes and training settings alone.", match.file(),
                    String.join(", ", others.subList(0, Math.min(3, others.size()))), others.size() > 3 ? " and " + (others.size() - 3) + " more" : "");
        }
        List<String> missing = match.missing().stream().filter(name -> name.startsWith(BACKBONE) && !STATISTICS.matcher(name).find())
                .toList();
        if (!missing.isEmpty()) {
            throw BadInput.of("--init-from %s: it has no weights for %d tensors of the backbone, ResNet-%d: %s%s. Name a checkpoint of this model."
                    + " To train from scratch, leave the option out and set MODEL.WEIGHTS ''.", match.file(), missing.size(),
                    model.config().resnets().depth(), missing.getFirst(), missing.size() > 1 ? ", …" : "");
        }
    }

    /** As many numbers per class on both sides: otherwise the heads are of another size, which is no matter of classes. */
    private static boolean isClassLayer(Misshapen m) {
        return CLASS_LAYER.matcher(m.name()).matches() && Arrays.equals(m.inFile(), 1, m.inFile().length, m.inModel(), 1, m.inModel().length);
    }

    private void load() {
        model.parameters().all().forEach(p -> {
            HostTensor whole = match.loaded().get(p.name());
            HostTensor tensor = whole != null ? whole : checkpoint.model().get(p.name());
            boolean named = CLASS_LAYER.matcher(p.name()).matches() && tensor != null && rows.isPresent()
                    && rows.get().fit(tensor.shape()[0], p.publishedShape()[0]);
            if (named && !(rows.get().isSame() && whole != null)) {
                p.setPublished(rows.get().carried(tensor.toFloats(), p.published(), p.publishedRow()));
                byRow.add(p.name());
            } else if (whole != null) {
                p.setPublished(whole.toFloats());
                loaded.add(p.name());
            } else {
                reinitialised.add(p.name());
            }
        });
    }

    private String table() {
        StringBuilder out = new StringBuilder(String.format(Locale.ROOT, "Weights from %s:%n  %-14s %8s %14s", match.file(), "", "tensors", "numbers"));
        row(out, "loaded", loaded, modules(loaded));
        if (!byRow.isEmpty()) {
            row(out, "by class", byRow, rows.orElseThrow().toString());
        }
        boolean nameless = rows.isEmpty() && reinitialised.stream().anyMatch(name -> CLASS_LAYER.matcher(name).matches());
        row(out, "reinitialised", reinitialised, String.join(", ", WeightsMatch.grouped(reinitialised))
                + (nameless ? " (the file does not name its classes)" : ""));
        long unused = match.unused().stream().mapToLong(name -> checkpoint.model().get(name).elements()).sum();
        row(out, "unused", match.unused().size(), unused, String.join(", ", WeightsMatch.grouped(match.unused())));
        return out.toString();
    }

    private void row(StringBuilder out, String what, List<String> names, String which) {
        row(out, what, names.size(), names.stream().map(model.parameters()::get).mapToLong(p -> p.value().elements()).sum(), which);
    }

    private static void row(StringBuilder out, String what, int tensors, long numbers, String which) {
        out.append(String.format(Locale.ROOT, "%n  %-14s %8d %,14d  %s", what, tensors, numbers, which).stripTrailing());
    }

    /** {@code backbone 120, head 96, init_proposal_boxes 1}. */
    private static String modules(List<String> names) {
        Map<String, Long> counts = names.stream().collect(Collectors.groupingBy(n -> n.substring(0, n.indexOf('.')), LinkedHashMap::new,
                Collectors.counting()));
        return counts.entrySet().stream().map(e -> e.getKey() + " " + e.getValue()).collect(Collectors.joining(", "));
    }
}
