package org.sparsercnn.config;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Writes keys as YAML so that each value comes back exactly, through PyYAML and yacs as through us. Tuples and numbers'
 * types survive because they are written the way the published files write them: {@code STEPS: (210000, 250000)}.
 */
final class ConfigDump {
    /** Text that is one plain scalar in any place of a YAML 1.1 document, unless it reads as a number or the like. */
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_./][A-Za-z0-9_./+-]*(?::[A-Za-z0-9_./+-]+)*");
    /** A Python tuple that YAML leaves whole outside of brackets. */
    private static final Pattern PLAIN_TUPLE = Pattern.compile("\\((?:(?!: | #)[\\x20-\\x7e])*\\)");

    private ConfigDump() {}

    /** The keys, by dotted name, as nested sections in yacs' order (sorted). */
    static String yaml(Map<String, PyValue> values) {
        StringBuilder out = new StringBuilder();
        String[] open = {};
        for (Map.Entry<String, PyValue> entry : new TreeMap<>(sortable(values)).entrySet()) {
            String[] path = entry.getKey().split("\u0000");
            int shared = 0;
            while (shared < path.length - 1 && shared < open.length - 1 && path[shared].equals(open[shared])) {
                shared++;
            }
            for (int depth = shared; depth < path.length - 1; depth++) {
                out.append("  ".repeat(depth)).append(path[depth]).append(":\n");
            }
            out.append("  ".repeat(path.length - 1)).append(path[path.length - 1]).append(": ").append(leaf(entry.getValue())).append('\n');
            open = path;
        }
        return out.toString();
    }

    /** With the dots replaced by what sorts first, the order of the paths is the order of the nested names. */
    private static Map<String, PyValue> sortable(Map<String, PyValue> values) {
        return values.entrySet().stream().collect(Collectors.toMap(e -> e.getKey().replace('.', '\u0000'), Map.Entry::getValue));
    }

    /** A key's value. yacs reads strings here as Python literals, so a string that is one is quoted for Python, too. */
    private static String leaf(PyValue value) {
        return switch (value) {
            case PyValue.Str(String s) -> string(isItself(s) ? s : value.repr());
            case PyValue.Tuple(List<PyValue> items) when isFinite(value) -> {
                String python = value.repr();
                yield PLAIN_TUPLE.matcher(python).matches() ? python : string(python);
            }
            case PyValue.PyList(List<PyValue> items) when hasTuple(items) && isFinite(value) -> string(value.repr());
            default -> element(value);
        };
    }

    private static boolean isItself(String s) {
        return PyLiteral.parse(s).filter(v -> !v.equals(new PyValue.Str(s))).isEmpty();
    }

    private static boolean hasTuple(List<PyValue> items) {
        return items.stream().anyMatch(item -> item instanceof PyValue.Tuple
                || item instanceof PyValue.PyList(List<PyValue> inner) && hasTuple(inner));
    }

    /** Infinity and NaN have a YAML spelling, but no Python literal. */
    private static boolean isFinite(PyValue value) {
        return switch (value) {
            case PyValue.Real(double d) -> Double.isFinite(d);
            case PyValue.PyList(List<PyValue> items) -> items.stream().allMatch(ConfigDump::isFinite);
            case PyValue.Tuple(List<PyValue> items) -> items.stream().allMatch(ConfigDump::isFinite);
            default -> true;
        };
    }

    /** A value inside a YAML list, where strings stay as they are. */
    private static String element(PyValue value) {
        return switch (value) {
            case PyValue.None _ -> "null";
            case PyValue.Bool(boolean b) -> b ? "true" : "false";
            case PyValue.Real(double d) when Double.isNaN(d) -> ".nan";
            case PyValue.Real(double d) when Double.isInfinite(d) -> d > 0 ? ".inf" : "-.inf";
            case PyValue.Real _ -> {
                String python = value.repr(); // YAML 1.1 wants a dot before the exponent
                yield python.contains(".") ? python : python.replace("e", ".0e");
            }
            case PyValue.Str(String s) -> string(s);
            case PyValue.PyList(List<PyValue> items) -> flow(items);
            case PyValue.Tuple(List<PyValue> items) -> flow(items);
            case PyValue.Dict(Map<PyValue, PyValue> items) -> items.entrySet().stream()
                    .map(e -> element(e.getKey()) + ": " + element(e.getValue())).collect(Collectors.joining(", ", "{", "}"));
            case PyValue.Int _, PyValue.Other _ -> value.repr();
        };
    }

    private static String flow(List<PyValue> items) {
        return items.stream().map(ConfigDump::element).collect(Collectors.joining(", ", "[", "]"));
    }

    private static String string(String s) {
        if (PLAIN.matcher(s).matches() && YamlScalars.tagOf(s).equals("str")) {
            return s;
        }
        return s.codePoints().allMatch(ConfigDump::isPrintable)
                ? "'" + s.replace("'", "''") + "'"
                : s.codePoints().mapToObj(ConfigDump::escaped).collect(Collectors.joining("", "\"", "\""));
    }

    /** YAML 1.1's printable characters without its line breaks. */
    private static boolean isPrintable(int c) {
        return c >= 0x20 && c < 0x7f || c >= 0xa0 && c < 0xd800 && c != 0x2028 && c != 0x2029
                || c >= 0xe000 && c < 0xfffe && c != 0xfeff || c >= 0x10000;
    }

    private static String escaped(int c) {
        return switch (c) {
            case '"', '\\' -> "\\" + (char) c;
            case '\n' -> "\\n";
            case '\t' -> "\\t";
            default -> isPrintable(c) ? Character.toString(c) : "\\U%08x".formatted(c);
        };
    }
}
