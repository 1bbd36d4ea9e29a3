package org.sparsercnn.config;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A value as detectron2's config files hold it: a Python value. Configs tell {@code 1} from {@code 1.0} and {@code (1, 2)}
 * from {@code [1, 2]}, and integers have no bound, so Java's own types would lose what yacs' type rule looks at.
 */
public sealed interface PyValue {
    record None() implements PyValue {}

    record Bool(boolean value) implements PyValue {}

    record Int(BigInteger value) implements PyValue {
        Int(long value) {
            this(BigInteger.valueOf(value));
        }
    }

    record Real(double value) implements PyValue {}

    record Str(String value) implements PyValue {}

    /** {@code [a, b]} */
    record PyList(List<PyValue> items) implements PyValue {
        public PyList {
            items = List.copyOf(items);
        }
    }

    /** {@code (a, b)} */
    record Tuple(List<PyValue> items) implements PyValue {
        public Tuple {
            items = List.copyOf(items);
        }
    }

    /** A mapping, in the order of its first mentions. In a config file that is a section. */
    record Dict(Map<PyValue, PyValue> items) implements PyValue {}

    /** A value that no config key can take (set, bytes, complex, date, …): its Python type and text, for the message. */
    record Other(String type, String repr) implements PyValue {}

    /** The name of the Python type. */
    default String typeName() {
        return switch (this) {
            case None _ -> "None";
            case Bool _ -> "bool";
            case Int _ -> "int";
            case Real _ -> "float";
            case Str _ -> "str";
            case PyList _ -> "list";
            case Tuple _ -> "tuple";
            case Dict _ -> "dict";
            case Other(String type, _) -> type;
        };
    }

    /** Python's {@code repr}: for everything but infinities, NaN and {@link Other} a literal that reads back as this value. */
    default String repr() {
        return switch (this) {
            case None _ -> "None";
            case Bool(boolean b) -> b ? "True" : "False";
            case Int(BigInteger i) -> i.toString();
            case Real(double d) -> reprOf(d);
            case Str(String s) -> reprOf(s);
            case PyList(List<PyValue> items) -> "[" + join(items) + "]";
            case Tuple(List<PyValue> items) -> "(" + join(items) + (items.size() == 1 ? ",)" : ")");
            case Dict(Map<PyValue, PyValue> items) -> items.entrySet().stream()
                    .map(e -> e.getKey().repr() + ": " + e.getValue().repr())
                    .collect(Collectors.joining(", ", "{", "}"));
            case Other(_, String repr) -> repr;
        };
    }

    private static String join(List<PyValue> items) {
        return items.stream().map(PyValue::repr).collect(Collectors.joining(", "));
    }

    /** Python's shortest text that reads back as the same double: {@code 2.5e-05}, {@code 0.0001}, {@code 1e+16}, {@code inf}. */
    private static String reprOf(double d) {
        if (Double.isNaN(d)) {
            return "nan";
        }
        if (Double.isInfinite(d)) {
            return d > 0 ? "inf" : "-inf";
        }
        if (d == 0) {
            return 1 / d < 0 ? "-0.0" : "0.0";
        }
        BigDecimal shortest = new BigDecimal(Double.toString(d)).stripTrailingZeros(); // JDK 19+: shortest, like Python's
        BigDecimal oneDigit = shortest.round(new MathContext(1)); // Java writes two digits at least: 4.9E-324 for 5e-324
        if (oneDigit.doubleValue() == d) {
            shortest = oneDigit.stripTrailingZeros();
        }
        int exponent = shortest.precision() - shortest.scale() - 1;
        if (exponent >= -4 && exponent < 16) {
            String plain = shortest.toPlainString();
            return plain.contains(".") ? plain : plain + ".0";
        }
        String digits = shortest.unscaledValue().abs().toString();
        String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
        return (d < 0 ? "-" : "") + mantissa + "e" + (exponent < 0 ? "-" : "+") + (Math.abs(exponent) < 10 ? "0" : "")
                + Math.abs(exponent);
    }

    private static String reprOf(String s) {
        char quote = s.indexOf('\'') >= 0 && s.indexOf('"') < 0 ? '"' : '\'';
        StringBuilder out = new StringBuilder().append(quote);
        s.codePoints().forEach(c -> {
            switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                    if (c == quote) {
                        out.append('\\').append(quote);
                    } else if (c < 0x20 || c >= 0x7f && c < 0xa0) {
                        out.append("\\x%02x".formatted(c));
                    } else if (c >= 0xd800 && c <= 0xdfff) {
                        out.append("\\u%04x".formatted(c));
                    } else {
                        out.appendCodePoint(c);
                    }
                }
            }
        });
        return out.append(quote).toString();
    }
}
