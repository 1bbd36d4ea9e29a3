package org.sparsercnn.config;

import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparsercnn.util.BadInput;

/**
 * The values of all keys, with yacs' rules for merging files and overrides into them. Immutable: a merge that fails
 * leaves nothing half done.
 *
 * <p>The type rule: a new value must have exactly the Python type of the one it replaces; lists and tuples turn into each
 * other; None goes both ways. Nothing else is converted, so {@code 1} is no learning rate and {@code 1e3} no step count.
 */
final class CfgTree {
    /** A key's value and where it was set; null for a default. */
    private record Leaf(PyValue value, Place place) {}

    private final Schema schema;
    private final Map<String, Leaf> leaves;
    private final List<String> notices;

    private CfgTree(Schema schema, Map<String, Leaf> leaves, List<String> notices) {
        this.schema = schema;
        this.leaves = leaves;
        this.notices = notices;
    }

    static CfgTree defaults(Schema schema) {
        Map<String, Leaf> leaves = new LinkedHashMap<>();
        schema.keys().forEach((name, entry) -> leaves.put(name, new Leaf(entry.defaultValue(), null)));
        return new CfgTree(schema, leaves, List.of());
    }

    Schema schema() {
        return schema;
    }

    PyValue value(String name) {
        return leaves.get(name).value();
    }

    /** Where {@code name} was set, or null if it has its default. */
    Place place(String name) {
        return leaves.get(name).place();
    }

    /** What the user should know of the merges so far. */
    List<String> notices() {
        return notices;
    }

    /** The value as Python would hold it after reading {@code text} from an override. */
    static PyValue decode(String text) {
        return PyLiteral.decode(text);
    }

    /** Merges a file and its bases; unknown keys and wrong types are {@link BadInput} with file and line. */
    CfgTree mergeFile(Path file) {
        RawConfig raw = RawConfig.read(file);
        Merge merge = new Merge(schema);
        merge.notices.addAll(raw.notices());
        PyValue version = raw.tree().items().get(new PyValue.Str("VERSION"));
        PyValue.Dict tree = raw.tree();
        if (version == null && Version1.isLikely(tree) || version instanceof PyValue.Int(BigInteger v) && v.equals(BigInteger.ONE)) {
            merge.notices.add(file + (version == null ? ": no VERSION, read as version 1" : ": version 1")
                    + "; its old key names are understood");
            merge.names = Version1.namesOf(schema);
            tree = without(tree, "VERSION");
        } else if (version != null && !version.equals(schema.keys().get("VERSION").defaultValue())) {
            throw BadInput.of("%s: VERSION is %s; configs of version 1 and 2 can be read", raw.place("VERSION"), version.repr());
        }
        merge.section(tree, "", raw);
        return merge.result();
    }

    /** Merges a text in YAML that names no base. */
    CfgTree mergeYaml(String name, String text) {
        YamlFile yaml = YamlFile.parse(name, text);
        if (!(yaml.value() instanceof PyValue.Dict tree)) {
            throw BadInput.of("%s: its config is no mapping of keys", name);
        }
        Merge merge = new Merge(schema);
        merge.section(tree, "", new RawConfig(Path.of(name), tree, yaml.places(), yaml.notices()));
        return merge.result();
    }

    /** Merges {@code KEY VALUE KEY VALUE …} as given on the command line. */
    CfgTree mergeList(List<String> pairs) {
        if (pairs.size() % 2 != 0) {
            throw BadInput.of("overrides: %d items, but they come in pairs; write KEY VALUE (not KEY=VALUE), found: %s",
                    pairs.size(), String.join(" ", pairs));
        }
        Merge merge = new Merge(schema);
        for (int i = 0; i < pairs.size(); i += 2) {
            merge.override(pairs.get(i), new PyValue.Str(pairs.get(i + 1)));
        }
        return merge.result();
    }

    /** Sets one key to a value that needs no decoding unless it is a string. */
    CfgTree with(String name, PyValue value) {
        Merge merge = new Merge(schema);
        merge.override(name, value);
        return merge.result();
    }

    private static PyValue.Dict without(PyValue.Dict tree, String key) {
        Map<PyValue, PyValue> items = new LinkedHashMap<>(tree.items());
        items.remove(new PyValue.Str(key));
        return new PyValue.Dict(items);
    }

    /** One merge in progress on a copy. */
    private final class Merge {
        private final Map<String, Leaf> merged = new LinkedHashMap<>(leaves);
        private final List<String> notices = new ArrayList<>(CfgTree.this.notices);
        private Schema names;

        Merge(Schema names) {
            this.names = names;
        }

        CfgTree result() {
            return new CfgTree(schema, merged, List.copyOf(notices));
        }

        void section(PyValue.Dict section, String prefix, RawConfig raw) {
            section.items().forEach((key, value) -> {
                String name = prefix + YamlFile.keyName(key);
                Place place = raw.place(name);
                if (names.find(name).isPresent()) {
                    set(name, value, place);
                } else if (!names.isSection(name)) {
                    unknown(name, place);
                } else if (value instanceof PyValue.Dict child) {
                    section(child, name + ".", raw);
                } else {
                    throw BadInput.of("%s: %s is a section, found the %s; indent its keys below it", place, name,
                            described(value));
                }
            });
        }

        void override(String name, PyValue value) {
            if (name.equals("_BASE_")) {
                throw new BadInput("override: _BASE_ can be used in files only; give the file to --config-file");
            } else if (names.deprecated().contains(name) || names.renamed().containsKey(name)) {
                unknown(name, Place.OVERRIDE);
            } else if (names.find(name).isPresent()) {
                set(name, value, Place.OVERRIDE);
            } else if (names.isSection(name)) {
                throw BadInput.of("override: %s is a section, found the %s; name one of its keys", name,
                        described(decoded(value, name, Place.OVERRIDE)));
            } else {
                unknown(name, Place.OVERRIDE);
            }
        }

        /** Deprecated keys are passed over; any other name that is no key ends the merge. */
        private void unknown(String name, Place place) {
            if (names.deprecated().contains(name)) {
                notices.add(place + ": " + name + " is no longer used and was ignored");
                return;
            }
            Schema.Rename rename = names.renamed().get(name);
            if (rename != null) {
                throw BadInput.of("%s: %s was renamed to %s%s", place, name, rename.newName(),
                        rename.note() == null ? "" : "; " + rename.note());
            }
            throw BadInput.of("%s: there is no key %s; %s", place, name,
                    names.nearest(name).map(near -> "did you mean " + near + "?").orElse("docs/config.md lists them all"));
        }

        private void set(String name, PyValue written, Place place) {
            String target = names.keys().get(name).name();
            PyValue value = decoded(written, name, place);
            PyValue old = merged.get(target).value();
            merged.put(target, new Leaf(coerced(value, old, name, place), place));
        }

        private PyValue decoded(PyValue value, String name, Place place) {
            try {
                return value instanceof PyValue.Str(String text) ? decode(text) : value;
            } catch (BadInput e) {
                throw new BadInput(place + ": " + name + ": " + e.getMessage(), e);
            }
        }

        private PyValue coerced(PyValue value, PyValue old, String name, Place place) {
            if (value instanceof PyValue.Tuple(List<PyValue> items) && old instanceof PyValue.PyList) {
                return new PyValue.PyList(items);
            } else if (value instanceof PyValue.PyList(List<PyValue> items) && old instanceof PyValue.Tuple) {
                return new PyValue.Tuple(items);
            }
            boolean fits = value.getClass() == old.getClass() || value instanceof PyValue.None || old instanceof PyValue.None;
            if (!fits || value instanceof PyValue.Dict || value instanceof PyValue.Other) {
                String wanted = old instanceof PyValue.None ? "a bool, int, float, str, list or tuple"
                        : (old instanceof PyValue.Int ? "an " : "a ") + old.typeName() + " such as " + old.repr();
                throw BadInput.of("%s: %s must be %s, found the %s%s", place, name, wanted, described(value), remedy(value, old));
            }
            return value;
        }

        /** What to write instead, for the slips that are made every day. */
        private String remedy(PyValue value, PyValue old) {
            return switch (old) {
                case PyValue.Real _ when value instanceof PyValue.Int(BigInteger i) -> "; write " + i + ".0";
                case PyValue.Int _ when value instanceof PyValue.Real(double d) && d == Math.rint(d) && Math.abs(d) < 1e15 ->
                    "; write " + (long) d;
                case PyValue.Bool _ -> "; write True or False";
                case PyValue.Str _ -> "; quote it twice: \"'" + value.repr() + "'\"";
                case PyValue.Tuple _, PyValue.PyList _ when value instanceof PyValue.Str(String s) && !s.contains("(") ->
                    "; write \"('" + s + "',)\"";
                case PyValue.Tuple _, PyValue.PyList _ when value instanceof PyValue.Str ->
                    "; put names in quotes: \"('a', 'b')\", and in YAML write (…) outside of { }";
                case PyValue.Tuple _, PyValue.PyList _ -> "; write \"(" + value.repr() + ",)\"";
                default -> "";
            };
        }

        private String described(PyValue value) {
            return value instanceof PyValue.None ? "empty value" : value.typeName() + " " + value.repr();
        }
    }
}
