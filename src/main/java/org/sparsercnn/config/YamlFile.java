package org.sparsercnn.config;

import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/**
 * One YAML document as PyYAML reads it, before any key is looked up: anchors and aliases, merge keys, Python's tuples;
 * of a key written twice the last one counts. No Python object a tag asks for is ever built.
 *
 * @param value   the document; {@link PyValue.None} for an empty file
 * @param places  the place of each key, by its dotted path
 * @param notices one line for each key written twice
 */
record YamlFile(PyValue value, Map<String, Place> places, List<String> notices) {
    /** Aliases multiply what they name; a real config has some hundred nodes. */
    private static final int MAX_NODES = 100_000;
    private static final int MAX_DEPTH = 100;

    /** Reads {@code file}; a file that is missing, not UTF-8 or not YAML is a {@link BadInput} with the line. */
    static YamlFile read(Path file) {
        try {
            return parse(file.toString(), Files.readString(file));
        } catch (MalformedInputException e) {
            throw new BadInput(file + ": not a text file in UTF-8; a config in YAML is wanted", e);
        } catch (IOException e) {
            throw new BadInput(file + ": the config cannot be read: " + AtomicFiles.reason(e), e);
        }
    }

    static YamlFile parse(String name, String text) {
        LoadSettings settings = LoadSettings.builder().setLabel(name).setSchema(new YamlScalars()).setAllowNonScalarKeys(false)
                .setMaxAliasesForCollections(Integer.MAX_VALUE).build();
        String document = text.startsWith("\ufeff") ? text.substring(1) : text;
        try {
            Optional<Node> root = new Compose(settings).composeString(document);
            Builder builder = new Builder(name);
            PyValue value = root.map(node -> builder.build(node, "", 0)).orElseGet(PyValue.None::new);
            return new YamlFile(value, builder.places, builder.notices);
        } catch (MarkedYamlEngineException e) {
            throw new BadInput(at(name, e.getProblemMark()) + ": not YAML: " + e.getProblem(), e);
        } catch (YamlEngineException e) {
            throw new BadInput(name + ": not YAML: " + e.getMessage(), e);
        } catch (StackOverflowError e) {
            throw new BadInput(name + ": nested too deeply for a config", e);
        }
    }

    private static Place at(String name, Optional<Mark> mark) {
        return new Place(name, mark.map(m -> m.getLine() + 1).orElse(0));
    }

    /** Turns nodes into values. */
    private static final class Builder {
        private final String name;
        private final Map<String, Place> places = new LinkedHashMap<>();
        private final List<String> notices = new ArrayList<>();
        private final Set<Node> open = Collections.newSetFromMap(new IdentityHashMap<>());
        private int nodes;

        Builder(String name) {
            this.name = name;
        }

        PyValue build(Node node, String path, int depth) {
            if (++nodes > MAX_NODES || depth > MAX_DEPTH) {
                throw problem(node, "too large or nested too deeply for a config");
            }
            if (!open.add(node)) {
                throw problem(node, "an alias that contains itself");
            }
            PyValue value = switch (node) {
                case ScalarNode scalar -> scalar(scalar);
                case SequenceNode sequence -> sequence(sequence, path, depth);
                case MappingNode mapping -> mapping(mapping, path, depth);
                default -> throw problem(node, "unexpected " + node.getNodeType());
            };
            open.remove(node);
            return value;
        }

        private PyValue scalar(ScalarNode node) {
            try {
                PyValue value = YamlScalars.construct(node.getTag().getValue(), node.getValue());
                if (value == null) {
                    throw unknownTag(node);
                }
                return value;
            } catch (NumberFormatException e) {
                throw problem(node, "'" + node.getValue() + "' does not fit its tag " + node.getTag().getValue());
            }
        }

        private PyValue sequence(SequenceNode node, String path, int depth) {
            List<PyValue> items = node.getValue().stream().map(item -> build(item, path + "[]", depth + 1)).toList();
            return switch (node.getTag().getValue()) {
                case YamlScalars.YAML + "seq", YamlScalars.YAML + "python/list" -> new PyValue.PyList(items);
                case YamlScalars.YAML + "python/tuple" -> new PyValue.Tuple(items);
                default -> throw unknownTag(node);
            };
        }

        private PyValue mapping(MappingNode node, String path, int depth) {
            Map<PyValue, PyValue> entries = new LinkedHashMap<>();
            for (NodeTuple entry : node.getValue()) {
                if (!(entry.getKeyNode() instanceof ScalarNode keyNode)) {
                    throw problem(entry.getKeyNode(), "a list or mapping as a key; a key is one word");
                }
                PyValue key = keyNode.getTag().getValue().equals(YamlScalars.YAML + "value")
                        ? new PyValue.Str(keyNode.getValue())
                        : scalar(keyNode);
                String child = path.isEmpty() ? keyName(key) : path + "." + keyName(key);
                PyValue value = build(entry.getValueNode(), child, depth + 1);
                Place place = at(name, keyNode.getStartMark());
                Place first = places.put(child, place);
                if (entries.put(key, value) != null) {
                    notices.add(place + ": " + child + " is written twice; this line counts, " + first + " does not");
                }
            }
            return switch (node.getTag().getValue()) {
                case YamlScalars.YAML + "map", YamlScalars.YAML + "python/dict" -> new PyValue.Dict(entries);
                case YamlScalars.YAML + "set" ->
                    new PyValue.Other("set", new PyValue.PyList(List.copyOf(entries.keySet())).repr());
                default -> throw unknownTag(node);
            };
        }

        private BadInput unknownTag(Node node) {
            return problem(node, "the tag " + node.getTag().getValue() + " is not one a config may use;"
                    + " numbers, strings, bools, lists, python/tuple and mappings are");
        }

        private BadInput problem(Node node, String what) {
            return new BadInput(at(name, node.getStartMark()) + ": " + what);
        }
    }

    /** The text of a key that stands in a dotted path. */
    static String keyName(PyValue key) {
        return key instanceof PyValue.Str(String s) ? s : key.repr();
    }
}
