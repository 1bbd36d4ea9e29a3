package org.sparsercnn.config;

import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.sparsercnn.util.AtomicFiles;

/** Writes docs/config.md from the keys' declarations. */
public final class ConfigDoc {
    private static final String INTRODUCTION = """
            # Configuration keys

            <!-- Generated from org.sparsercnn.config; do not edit. To write it again:
                 java -cp target/sparse-rcnn.jar org.sparsercnn.config.ConfigDoc docs/config.md -->

            A config file is detectron2's YAML: sections, `_BASE_: other.yaml` for the file it builds on (relative to the file
            itself), tuples written `(1, 2)`. Overrides follow the other arguments of a command as `KEY VALUE` pairs:
            `SOLVER.BASE_LR 5e-5 DATASETS.TEST "('coco_2017_val',)"`. A new value must have the type of the default: `1` is no
            float, `1e3` no int; lists and tuples turn into each other.

            Defaults are those of detectron2 with Sparse R-CNN's keys. They describe another architecture, so start from
            `configs/Base-SparseRCNN.yaml`. Keys marked **ours** are not known to detectron2 and Sparse R-CNN.

            """;

    private final StringBuilder out = new StringBuilder(INTRODUCTION);

    private ConfigDoc() {}

    /** Writes the page to {@code args[0]}. */
    public static void main(String[] args) throws IOException {
        AtomicFiles.write(Path.of(args[0]), file -> file.write(markdown().getBytes(StandardCharsets.UTF_8)));
    }

    /** The whole page. */
    static String markdown() {
        ConfigDoc doc = new ConfigDoc();
        doc.out.append("## Keys with an effect\n");
        doc.section(Config.Sections.class, "");
        doc.inert();
        return doc.out.toString();
    }

    private void section(Class<?> type, String prefix) {
        out.append("\n### ").append(prefix.isEmpty() ? "Top level" : prefix.substring(0, prefix.length() - 1));
        out.append("\n\n| key | type | default | values | what it does |\n|---|---|---|---|---|\n");
        for (RecordComponent component : type.getRecordComponents()) {
            Key key = component.getAnnotation(Key.class);
            if (key != null) {
                Schema.Entry entry = Schema.CURRENT.keys().get(prefix + key.name());
                row("`" + entry.name() + "`" + (key.ours() ? " **ours**" : ""), type(entry), literal(entry),
                        Decoder.wanted(component.getGenericType(), key), key.doc());
            }
        }
        for (RecordComponent component : type.getRecordComponents()) {
            Section section = component.getAnnotation(Section.class);
            if (section != null) {
                section(component.getType(), prefix + section.value() + ".");
            }
        }
    }

    private void inert() {
        out.append("""

                ## Keys without effect

                detectron2's keys that are read, type-checked and written back, so that its files load unchanged, but change nothing
                here. One that is set to another value than its default is named when the config is loaded.

                | key | type | default |
                |---|---|---|
                """);
        Schema.CURRENT.keys().values().stream().filter(entry -> !entry.hasEffect())
                .forEach(entry -> row("`" + entry.name() + "`", type(entry), literal(entry)));
    }

    private static String type(Schema.Entry entry) {
        return entry.defaultValue().typeName();
    }

    private static String literal(Schema.Entry entry) {
        return "`" + entry.defaultValue().repr() + "`";
    }

    private void row(String... cells) {
        out.append("| ").append(String.join(" | ", cells)).append(" |\n");
    }
}
