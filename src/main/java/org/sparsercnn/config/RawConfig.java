package org.sparsercnn.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.sparsercnn.util.BadInput;

/**
 * A config file laid over the files its {@code _BASE_} names, before any key is looked up. As in fvcore the plain
 * mappings are merged first and checked later, so a child may replace a base's mistake.
 *
 * @param file    the file that was asked for
 * @param tree    the merged mapping
 * @param places  where each key, by its dotted path, got its value
 * @param notices what the user should know of the files read
 */
record RawConfig(Path file, PyValue.Dict tree, Map<String, Place> places, List<String> notices) {
    private static final PyValue BASE = new PyValue.Str("_BASE_");

    static RawConfig read(Path file) {
        return read(file, List.of());
    }

    /** The place of the key with this dotted path. */
    Place place(String path) {
        return places.getOrDefault(path, new Place(file.toString(), 0));
    }

    private static RawConfig read(Path file, List<Path> readers) {
        List<Path> chain = Stream.concat(readers.stream(), Stream.of(file.toAbsolutePath().normalize())).toList();
        if (chain.stream().distinct().count() < chain.size()) {
            throw new BadInput("_BASE_ goes in a circle: "
                    + chain.stream().map(Path::toString).collect(Collectors.joining(" -> ")));
        }
        YamlFile yaml = YamlFile.read(file);
        if (!(yaml.value() instanceof PyValue.Dict(Map<PyValue, PyValue> own))) {
            throw BadInput.of("%s: a mapping of keys is wanted at the top, found %s", file,
                    yaml.value() instanceof PyValue.None ? "nothing" : "a " + yaml.value().typeName());
        }
        if (!own.containsKey(BASE)) {
            return new RawConfig(file, new PyValue.Dict(own), yaml.places(), yaml.notices());
        }
        Map<PyValue, PyValue> child = new LinkedHashMap<>(own);
        Place place = yaml.places().get("_BASE_");
        RawConfig base;
        try {
            base = read(basePath(file, child.remove(BASE), place), chain);
        } catch (BadInput e) {
            throw chain.size() > 1 ? e : new BadInput(e.getMessage() + " (named or inherited by _BASE_ at " + place + ")", e);
        }
        Map<String, Place> places = new LinkedHashMap<>(base.places());
        places.putAll(yaml.places());
        List<String> notices = new ArrayList<>(base.notices());
        notices.addAll(yaml.notices());
        return new RawConfig(file, over(base.tree(), child, "", yaml.places()), places, notices);
    }

    /** Relative to the file that names it; {@code ~} is the home folder. */
    private static Path basePath(Path file, PyValue base, Place place) {
        if (!(base instanceof PyValue.Str(String text))) {
            throw BadInput.of("%s: _BASE_ is a %s; the path of one file is wanted", place, base.typeName());
        }
        if (text.startsWith("http://") || text.startsWith("https://")) {
            throw BadInput.of("%s: _BASE_ is %s; download it and name the local file", place, text);
        }
        if (text.equals("~") || text.startsWith("~/")) {
            text = System.getProperty("user.home") + text.substring(1);
        }
        return file.resolveSibling(text);
    }

    private static PyValue.Dict over(PyValue.Dict base, Map<PyValue, PyValue> child, String path, Map<String, Place> places) {
        Map<PyValue, PyValue> merged = new LinkedHashMap<>(base.items());
        child.forEach((key, value) -> {
            String name = path + YamlFile.keyName(key);
            PyValue inherited = merged.get(key);
            if (!(value instanceof PyValue.Dict(Map<PyValue, PyValue> section)) || inherited == null) {
                merged.put(key, value);
            } else if (inherited instanceof PyValue.Dict baseSection) {
                merged.put(key, over(baseSection, section, name + ".", places));
            } else {
                throw BadInput.of("%s: cannot inherit %s: a section here, but the base has the value %s",
                        places.get(name), name, inherited.repr());
            }
        });
        return new PyValue.Dict(merged);
    }
}
