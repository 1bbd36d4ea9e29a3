package org.sparsercnn.config;

import java.math.BigInteger;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.snakeyaml.engine.v2.api.ConstructNode;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.snakeyaml.engine.v2.resolver.ScalarResolver;
import org.snakeyaml.engine.v2.schema.Schema;

/**
 * YAML 1.1 scalars as PyYAML reads them: {@code on} is a bool, {@code 010} is 8, {@code 1:30} is 90, and {@code 1e-4}
 * (no dot, no sign rule of YAML 1.2) is a string.
 */
final class YamlScalars implements Schema {
    static final String YAML = "tag:yaml.org,2002:";

    // PyYAML's implicit resolvers, in the order it tries them.
    private static final Pattern BOOL =
            Pattern.compile("yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF");
    private static final Pattern FLOAT = Pattern.compile("[-+]?[0-9][0-9_]*\\.[0-9_]*(?:[eE][-+][0-9]+)?"
            + "|\\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
            + "|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\\.[0-9_]*"
            + "|[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN)");
    private static final Pattern INT = Pattern.compile("[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)"
            + "|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+");
    private static final Pattern NULL = Pattern.compile("~|null|Null|NULL|");
    private static final Pattern DATE = Pattern.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}");
    private static final Pattern DATETIME = Pattern.compile("[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \\t]+)[0-9]{1,2}"
            + ":[0-9]{2}:[0-9]{2}(?:\\.[0-9]*)?(?:[ \\t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?");

    @Override
    public ScalarResolver getScalarResolver() {
        return (text, plain) -> new Tag(YAML + (plain ? tagOf(text) : "str"));
    }

    @Override
    public Map<Tag, ConstructNode> getSchemaTagConstructors() {
        return Map.of(); // nodes are only composed here, never constructed by the library
    }

    /** What an untagged plain scalar is: {@code str}, {@code int}, {@code float}, {@code bool}, {@code null}, … */
    static String tagOf(String plain) {
        if (BOOL.matcher(plain).matches()) {
            return "bool";
        } else if (FLOAT.matcher(plain).matches()) {
            return "float";
        } else if (INT.matcher(plain).matches()) {
            return "int";
        } else if (NULL.matcher(plain).matches()) {
            return "null";
        } else if (DATE.matcher(plain).matches() || DATETIME.matcher(plain).matches()) {
            return "timestamp";
        }
        return switch (plain) {
            case "<<" -> "merge";
            case "=" -> "value";
            default -> "str";
        };
    }

    /**
     * The value of a scalar with a resolved or written tag.
     *
     * @return null for a tag that no config needs; a Python object is never built
     * @throws NumberFormatException for a number that is none, as in {@code !!int abc}
     */
    static PyValue construct(String tag, String text) {
        String name = tag.startsWith(YAML) ? tag.substring(YAML.length()) : tag;
        return switch (name) {
            case "str", "python/str", "python/unicode" -> new PyValue.Str(text);
            case "null", "python/none" -> new PyValue.None();
            case "bool", "python/bool" -> new PyValue.Bool(bool(text));
            case "int", "python/int", "python/long" -> new PyValue.Int(integer(text));
            case "float", "python/float" -> new PyValue.Real(real(text));
            case "timestamp" -> new PyValue.Other(DATE.matcher(text).matches() ? "date" : "datetime", text);
            case "binary", "python/bytes" -> new PyValue.Other("bytes", text);
            case "python/complex" -> new PyValue.Other("complex", text);
            default -> null;
        };
    }

    private static boolean bool(String text) {
        if (!BOOL.matcher(text).matches()) {
            throw new NumberFormatException("not a bool: " + text);
        }
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "yes", "true", "on" -> true;
            default -> false;
        };
    }

    private static BigInteger integer(String text) {
        String digits = text.replace("_", "");
        boolean negative = digits.startsWith("-");
        digits = unsigned(digits);
        BigInteger value;
        if (digits.startsWith("0b")) {
            value = new BigInteger(digits.substring(2), 2);
        } else if (digits.startsWith("0x")) {
            value = new BigInteger(digits.substring(2), 16);
        } else if (digits.startsWith("0") && digits.length() > 1) {
            value = new BigInteger(digits, 8);
        } else {
            value = BigInteger.ZERO; // one part, or sexagesimal parts from the left
            for (String part : digits.split(":", -1)) {
                value = value.multiply(BigInteger.valueOf(60)).add(new BigInteger(part));
            }
        }
        return negative ? value.negate() : value;
    }

    private static double real(String text) {
        String digits = text.replace("_", "").toLowerCase(Locale.ROOT);
        boolean negative = digits.startsWith("-");
        digits = unsigned(digits);
        double value = switch (digits) {
            case ".inf", "inf" -> Double.POSITIVE_INFINITY;
            case ".nan", "nan" -> Double.NaN;
            default -> {
                double sum = 0;
                for (String part : digits.split(":", -1)) {
                    if (part.endsWith("f") || part.endsWith("d")) {
                        throw new NumberFormatException(text); // Java's suffixes
                    }
                    sum = sum * 60 + Double.parseDouble(part);
                }
                yield sum;
            }
        };
        return negative ? -value : value;
    }

    private static String unsigned(String digits) {
        return digits.startsWith("-") || digits.startsWith("+") ? digits.substring(1) : digits;
    }
}
