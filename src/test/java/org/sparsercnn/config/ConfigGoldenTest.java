package org.sparsercnn.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/** Every case of the published configuration system: the same value, or an error of the same kind that names the same key. */
class ConfigGoldenTest {
    /** Where a message of the published system names the key. */
    private static final List<Pattern> NAMED_KEY = Stream.of("for config key: (\\S+)$", "Non-existent (?:config )?key: ([^']*)'?$",
            "Key (\\S+) with value", "Key (\\S+) was renamed", "reserved key '(\\S+)'", "Cannot inherit key '(\\S+)'")
            .map(Pattern::compile).toList();

    @TempDir
    Path folder;

    @Test
    void defaults() {
        Map<String, PyValue> ours = new LinkedHashMap<>();
        Schema.CURRENT.keys().values().stream().filter(key -> !key.isOurs())
                .forEach(key -> ours.put(key.name(), key.defaultValue()));
        assertThat(ours).containsExactlyInAnyOrderEntriesOf(GoldenConfig.leaves(GoldenConfig.ROOT.get("defaults")));
    }

    @TestFactory
    Stream<DynamicTest> files() {
        return GoldenConfig.ROOT.get("files").properties().stream().map(file -> DynamicTest.dynamicTest(file.getKey(), () -> {
            Path path = Path.of("configs", file.getKey());
            JsonNode golden = file.getValue();
            assertThat(Files.readString(path)).isEqualTo(golden.get("text").textValue());
            YamlFile yaml = YamlFile.read(path);
            assertThat(yaml.value()).isEqualTo(GoldenConfig.value(dict(golden.get("raw"))));
            assertThat(changed(CfgTree.defaults(Schema.CURRENT).mergeFile(path))).isEqualTo(GoldenConfig.leaves(golden.get("resolved")));
            List<String> twice = GoldenConfig.stream(golden.get("duplicate_keys")).map(d -> d.get("key").asText()).toList();
            assertThat(yaml.notices()).hasSize(twice.size());
            twice.forEach(key -> assertThat(yaml.notices()).anyMatch(notice -> notice.contains(key)));
        }));
    }

    @TestFactory
    Stream<DynamicTest> overrides() {
        return GoldenConfig.stream(GoldenConfig.ROOT.get("overrides")).map(golden ->
                DynamicTest.dynamicTest(golden.get("name").asText(), () -> {
                    CfgTree tree = defaults(golden);
                    JsonNode list = golden.get("list");
                    checkMerge(golden, () -> merge(tree, list));
                }));
    }

    /** Typed items go in as they are, a list of strings the way the command line gives it. */
    private static CfgTree merge(CfgTree tree, JsonNode list) {
        if (GoldenConfig.stream(list).allMatch(JsonNode::isTextual)) {
            return tree.mergeList(GoldenConfig.stream(list).map(JsonNode::textValue).toList());
        }
        JsonNode value = list.get(1);
        return tree.with(list.get(0).textValue(), value.isArray()
                ? new PyValue.PyList(GoldenConfig.stream(value).map(GoldenConfig::value).toList())
                : new PyValue.Real(value.doubleValue()));
    }

    @TestFactory
    Stream<DynamicTest> fileMerges() {
        return GoldenConfig.stream(GoldenConfig.ROOT.get("file_merges")).map(golden ->
                DynamicTest.dynamicTest(golden.get("name").asText(), () -> {
                    Path file = write("main.yaml", golden.get("file"));
                    for (Map.Entry<String, JsonNode> other : golden.get("other_files").properties()) {
                        write(other.getKey(), other.getValue());
                    }
                    checkMerge(golden, () -> defaults(golden).mergeFile(file));
                }));
    }

    @TestFactory
    Stream<DynamicTest> yamlScalars() {
        return GoldenConfig.stream(GoldenConfig.ROOT.get("yaml_scalars").get("cases")).map(golden ->
                DynamicTest.dynamicTest("A: " + golden.get("text").asText(), () -> {
                    Path file = write("scalar.yaml", golden.get("file"));
                    checkYaml(golden.get("yaml"), file, true);
                    CfgTree none = CfgTree.defaults(schemaOf("A", new PyValue.None()));
                    JsonNode config = golden.get("config");
                    if (config.has("error")) {
                        checkError(config, () -> none.mergeFile(file));
                    } else {
                        assertThat(none.mergeFile(file).value("A")).isEqualTo(GoldenConfig.value(config));
                    }
                }));
    }

    @TestFactory
    Stream<DynamicTest> yamlStructures() {
        return GoldenConfig.stream(GoldenConfig.ROOT.get("yaml_structures")).map(golden ->
                DynamicTest.dynamicTest(golden.get("name").asText(), () -> {
                    Path file = write("structure.yaml", golden.get("file"));
                    checkYaml(golden.get("yaml"), file, false);
                    if (golden.has("python_keys")) {
                        List<PyValue> keys = GoldenConfig.stream(golden.get("python_keys")).map(GoldenConfig::value).toList();
                        assertThat(((PyValue.Dict) YamlFile.read(file).value()).items().keySet()).containsExactlyElementsOf(keys);
                    }
                }));
    }

    private void checkYaml(JsonNode golden, Path file, boolean scalar) {
        if (golden.has("error")) {
            BadInput error = catchThrowableOfType(BadInput.class, () -> YamlFile.read(file));
            assertThat(error).as("expected: %s", golden).isNotNull();
            assertThat(error.getMessage()).matches("(?s).*\\.yaml:[1-9].*");
            return;
        }
        PyValue read = YamlFile.read(file).value();
        PyValue wanted = GoldenConfig.value(golden);
        if (scalar) {
            read = ((PyValue.Dict) read).items().get(new PyValue.Str("A"));
        }
        if (wanted instanceof PyValue.Other) {
            assertThat(read.typeName()).isEqualTo(wanted.typeName()); // no config key takes these: the type is what counts
        } else if (read instanceof PyValue.Dict dict && wanted instanceof PyValue.Dict named) {
            assertThat(byName(dict)).isEqualTo(byName(named));
        } else {
            assertThat(read).isEqualTo(wanted);
        }
    }

    /** JSON has no keys but strings; the true keys are compared apart. */
    private static Map<String, PyValue> byName(PyValue.Dict dict) {
        Map<String, PyValue> named = new HashMap<>();
        dict.items().forEach((key, value) -> named.put(YamlFile.keyName(key), value));
        return named;
    }

    private interface MergeCall {
        CfgTree run();
    }

    private void checkMerge(JsonNode golden, MergeCall merge) {
        if (!golden.get("ok").booleanValue()) {
            checkError(golden, merge);
            return;
        }
        CfgTree merged = merge.run();
        assertThat(changed(merged)).isEqualTo(GoldenConfig.leaves(golden.get("changed_leaves")));
        if (golden.has("value_of_last_key")) {
            String key = golden.get("list").get(golden.get("list").size() - 2).textValue();
            assertThat(merged.value(key)).isEqualTo(GoldenConfig.value(golden.get("value_of_last_key")));
        }
    }

    private void checkError(JsonNode golden, MergeCall merge) {
        BadInput error = catchThrowableOfType(BadInput.class, merge::run);
        assertThat(error).as("expected: %s", golden.get("message")).isNotNull();
        String message = golden.get("message").asText();
        assertThat(error.getMessage()).contains(wordsOf(golden.get("error").asText(), message));
        for (Pattern pattern : NAMED_KEY) {
            Matcher key = pattern.matcher(message);
            if (key.find()) {
                assertThat(error.getMessage()).contains(key.group(1));
            }
        }
    }

    /** What our message must say for an error of the published system. */
    private static String wordsOf(String error, String message) {
        Map<String, String> byText = new LinkedHashMap<>();
        byText.put("(<class 'detectron2.config.config.CfgNode'> vs.", " is a section");
        byText.put("Type mismatch", " must be a");
        byText.put("Non-existent", "there is no key");
        byText.put("is not a valid type", " must be a");
        byText.put("odd length", "KEY VALUE");
        byText.put("reserved key", "can be used in files only");
        byText.put("was renamed", "was renamed to MODEL.WEIGHTS");
        byText.put("Cannot inherit", "cannot inherit");
        byText.put("Cannot merge a v3 config", "VERSION is 3");
        byText.put("No such file", "no such file");
        byText.put("unhashable type", "unhashable type 'list'");
        byText.put("'NoneType' is not iterable", "MODEL is a section");
        byText.put("has no attribute 'startswith'", "_BASE_ is a ");
        byText.put("string indices must be integers", "there is no key MODEL.META_ARCHITECTURE.RCNN");
        byText.put("argument of type 'int' is not iterable", "there is no key SEED.X");
        if (error.startsWith("yaml.")) {
            return ".yaml:";
        }
        return byText.entrySet().stream().filter(e -> message.contains(e.getKey())).findFirst()
                .orElseThrow(() -> new AssertionError("no words for " + message)).getValue();
    }

    private static CfgTree defaults(JsonNode golden) {
        Map<String, Schema.Rename> renamed = new HashMap<>();
        Set<String> deprecated = new LinkedHashSet<>();
        JsonNode register = golden.path("register");
        if (register.has("deprecated")) {
            deprecated.add(register.get("deprecated").asText());
        }
        if (register.has("renamed")) {
            JsonNode r = register.get("renamed");
            renamed.put(r.get(0).asText(), new Schema.Rename(r.get(1).asText(), r.has(2) ? r.get(2).asText() : null));
        }
        return CfgTree.defaults(new Schema(Schema.CURRENT.keys(), deprecated, renamed));
    }

    private static Schema schemaOf(String name, PyValue value) {
        Map<String, Schema.Entry> keys = new LinkedHashMap<>(Schema.CURRENT.keys());
        keys.put(name, new Schema.Entry(name, value, null));
        return new Schema(keys, Set.of(), Map.of());
    }

    private static Map<String, PyValue> changed(CfgTree tree) {
        Map<String, PyValue> changed = new LinkedHashMap<>();
        tree.schema().keys().forEach((name, entry) -> {
            if (!tree.value(name).equals(entry.defaultValue())) {
                changed.put(name, tree.value(name));
            }
        });
        return changed;
    }

    private static JsonNode dict(JsonNode value) {
        return Json.MAPPER.createObjectNode().put("type", "dict").set("value", value);
    }

    private Path write(String name, JsonNode text) throws IOException {
        return Files.writeString(folder.resolve(name), text.textValue());
    }

    @Test
    void everyGroupHasItsCases() {
        List<Integer> counts = new ArrayList<>();
        for (String group : List.of("overrides", "yaml_structures", "file_merges")) {
            counts.add(GoldenConfig.ROOT.get(group).size());
        }
        assertThat(counts).containsExactly(94, 17, 45);
        assertThat(GoldenConfig.ROOT.get("yaml_scalars").get("cases")).hasSize(87);
        assertThat(GoldenConfig.ROOT.get("files")).hasSize(7);
    }
}
