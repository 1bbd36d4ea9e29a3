package org.sparsercnn.config;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sparsercnn.util.BadInput;

/**
 * Python's {@code ast.literal_eval}, which yacs applies to every string value of a file and to every override:
 * {@code 1e-4} becomes a float, {@code (1, 2)} a tuple, {@code 'out'} loses its quotes, {@code 010}, {@code true} and
 * {@code a/b.pth} stay strings.
 */
final class PyLiteral {
    private static final String DIGITS = "[0-9](?:_?[0-9])*";
    private static final String EXPONENT = "(?:[eE][-+]?" + DIGITS + ")";
    private static final String FLOAT =
            "(?:(?:" + DIGITS + ")?\\." + DIGITS + "|" + DIGITS + "\\.)" + EXPONENT + "?|" + DIGITS + EXPONENT;
    private static final Pattern NUMBER = Pattern.compile(
            "(?<hex>0[xX](?:_?[0-9a-fA-F])+)|(?<oct>0[oO](?:_?[0-7])+)|(?<bin>0[bB](?:_?[01])+)"
                    + "|(?<imaginary>(?:" + FLOAT + "|" + DIGITS + ")[jJ])|(?<float>" + FLOAT + ")"
                    + "|(?<dec>[1-9](?:_?[0-9])*|0(?:_?0)*)");
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z_0-9]*");
    /** Python's own tokenizer gives up at this depth; it also keeps this parser's stack small. */
    private static final int MAX_DEPTH = 200;

    private final String text;
    private int at;
    private int depth;
    private String unhashable;

    private PyLiteral(String text) {
        this.text = text;
    }

    /** The literal's value, or the string itself when {@code text} is no literal. */
    static PyValue decode(String text) {
        return parse(text).orElseGet(() -> new PyValue.Str(text));
    }

    /**
     * The literal's value, or empty when {@code text} is no literal.
     *
     * @throws BadInput for a set element or dict key that is a list, dict or set (Python raises there, too)
     */
    static Optional<PyValue> parse(String text) {
        PyLiteral parser = new PyLiteral(text.replace("\r\n", "\n").replace('\r', '\n'));
        try {
            PyValue value = parser.document();
            if (parser.unhashable != null) {
                throw new BadInput("unhashable type '" + parser.unhashable + "' in a set or as a dict key");
            }
            return Optional.of(value);
        } catch (NotALiteral _) {
            return Optional.empty();
        }
    }

    private PyValue document() throws NotALiteral {
        while (at < text.length() && " \t".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        skipBlankLines();
        PyValue first = value();
        skip();
        PyValue result = peek() == ',' ? new PyValue.Tuple(restOfSequence(first)) : first;
        depth = 1; // what follows may span lines, but only blanks and comments
        skip();
        if (at < text.length()) {
            throw NotALiteral.INSTANCE;
        }
        return result;
    }

    /** Blank and comment lines before the expression; an indented first line is an error in Python. */
    private void skipBlankLines() throws NotALiteral {
        while (at < text.length()) {
            int lineStart = at;
            skip();
            if (peek() != '\n') {
                if (at > lineStart && lineStart > 0 && text.charAt(lineStart - 1) == '\n') {
                    throw NotALiteral.INSTANCE;
                }
                return;
            }
            at++;
        }
    }

    /** A value, a signed number, or {@code real ± imaginary}. */
    private PyValue value() throws NotALiteral {
        skip();
        PyValue left = signed();
        skip();
        char sign = peek();
        if (sign != '+' && sign != '-') {
            return left;
        }
        at++;
        skip();
        PyValue right = atom();
        if (!(left instanceof PyValue.Int || left instanceof PyValue.Real) || !isImaginary(right)) {
            throw NotALiteral.INSTANCE; // an expression such as 2+3 is not evaluated
        }
        return new PyValue.Other("complex", "(" + left.repr().replaceFirst("\\.0$", "") + sign + right.repr() + ")");
    }

    private PyValue signed() throws NotALiteral {
        char sign = peek();
        if (sign != '+' && sign != '-') {
            return atom();
        }
        at++;
        skip();
        PyValue operand = atom();
        return switch (operand) {
            case PyValue.Int(BigInteger i) -> sign == '-' ? new PyValue.Int(i.negate()) : operand;
            case PyValue.Real(double d) -> sign == '-' ? new PyValue.Real(-d) : operand;
            case PyValue.Other(String type, String repr) when isImaginary(operand) ->
                sign == '-' ? new PyValue.Other(type, "(-0-" + repr + ")") : operand;
            default -> throw NotALiteral.INSTANCE;
        };
    }

    private static boolean isImaginary(PyValue value) {
        return value instanceof PyValue.Other(String type, String repr) && type.equals("complex") && !repr.startsWith("(");
    }

    private PyValue atom() throws NotALiteral {
        Matcher matcher = NUMBER.matcher(text).region(at, text.length());
        if (matcher.lookingAt()) {
            at = matcher.end();
            if (at < text.length() && (Character.isUnicodeIdentifierPart(text.charAt(at)))) {
                throw NotALiteral.INSTANCE;
            }
            return number(matcher);
        }
        if (PyString.startsAt(text, at)) {
            return strings();
        }
        matcher.usePattern(NAME);
        if (matcher.lookingAt()) {
            at = matcher.end();
            return name(matcher.group());
        }
        if (text.startsWith("...", at)) {
            at += 3;
            return new PyValue.Other("ellipsis", "Ellipsis");
        }
        return switch (peek()) {
            case '(' -> parenthesised();
            case '[' -> {
                open();
                List<PyValue> items = peek() == ']' ? List.of() : restOfSequence(value());
                close(']');
                yield new PyValue.PyList(items);
            }
            case '{' -> braces();
            default -> throw NotALiteral.INSTANCE;
        };
    }

    private PyValue number(Matcher m) {
        String digits = m.group().replace("_", "");
        if (m.group("hex") != null) {
            return new PyValue.Int(new BigInteger(digits.substring(2), 16));
        } else if (m.group("oct") != null) {
            return new PyValue.Int(new BigInteger(digits.substring(2), 8));
        } else if (m.group("bin") != null) {
            return new PyValue.Int(new BigInteger(digits.substring(2), 2));
        } else if (m.group("imaginary") != null) {
            double d = Double.parseDouble(digits.substring(0, digits.length() - 1));
            return new PyValue.Other("complex", new PyValue.Real(d).repr().replaceFirst("\\.0$", "") + "j");
        } else if (m.group("float") != null) {
            return new PyValue.Real(Double.parseDouble(digits));
        }
        return new PyValue.Int(new BigInteger(digits));
    }

    private PyValue name(String name) throws NotALiteral {
        switch (name) {
            case "True", "False":
                return new PyValue.Bool(name.equals("True"));
            case "None":
                return new PyValue.None();
            case "set":
                skip();
                if (peek() == '(') {
                    open();
                    close(')');
                    return new PyValue.Other("set", "set()");
                }
                throw NotALiteral.INSTANCE;
            default:
                throw NotALiteral.INSTANCE;
        }
    }

    private PyValue parenthesised() throws NotALiteral {
        open();
        if (peek() == ')') {
            close(')');
            return new PyValue.Tuple(List.of());
        }
        PyValue first = value();
        skip();
        PyValue result = peek() == ',' ? new PyValue.Tuple(restOfSequence(first)) : first;
        close(')');
        return result;
    }

    /** The items that follow {@code first}, a trailing comma allowed; stops before the closing bracket or the end. */
    private List<PyValue> restOfSequence(PyValue first) throws NotALiteral {
        List<PyValue> items = new ArrayList<>(List.of(first));
        for (skip(); peek() == ','; skip()) {
            at++;
            skip();
            if (at == text.length() || ")]}\n".indexOf(peek()) >= 0) {
                break;
            }
            items.add(value());
        }
        return items;
    }

    private PyValue braces() throws NotALiteral {
        open();
        if (peek() == '}') {
            close('}');
            return new PyValue.Dict(Map.of());
        }
        PyValue first = value();
        skip();
        if (peek() != ':') {
            List<PyValue> items = restOfSequence(first);
            close('}');
            items.forEach(this::mustBeHashable);
            String listed = new PyValue.PyList(items).repr();
            return new PyValue.Other("set", "{" + listed.substring(1, listed.length() - 1) + "}");
        }
        Map<PyValue, PyValue> entries = new LinkedHashMap<>();
        PyValue key = first;
        while (true) {
            mustBeHashable(key);
            if (peek() != ':') {
                throw NotALiteral.INSTANCE;
            }
            at++;
            entries.put(key, value());
            skip();
            if (peek() == ',') {
                at++;
                skip();
            } else if (peek() != '}') {
                throw NotALiteral.INSTANCE;
            }
            if (peek() == '}') {
                break;
            }
            key = value();
            skip();
        }
        close('}');
        return new PyValue.Dict(entries);
    }

    private void mustBeHashable(PyValue key) {
        switch (key) {
            case PyValue.PyList _, PyValue.Dict _ -> unhashable = key.typeName();
            case PyValue.Other(String type, _) when type.equals("set") -> unhashable = type;
            case PyValue.Tuple(List<PyValue> items) -> items.forEach(this::mustBeHashable);
            default -> { }
        }
    }

    /** Adjacent string literals join, as in {@code 'a' 'b'}; text and bytes do not mix. */
    private PyValue strings() throws NotALiteral {
        StringBuilder joined = new StringBuilder();
        PyString part = new PyString(text, at);
        boolean bytes = part.isBytes();
        for (boolean more = true; more; more = PyString.startsAt(text, at)) {
            part = new PyString(text, at);
            if (part.isBytes() != bytes) {
                throw NotALiteral.INSTANCE;
            }
            at = part.readTo(joined);
            skip();
        }
        PyValue value = new PyValue.Str(joined.toString());
        return bytes ? new PyValue.Other("bytes", "b" + value.repr()) : value;
    }

    private void open() throws NotALiteral {
        at++;
        if (++depth > MAX_DEPTH) {
            throw NotALiteral.INSTANCE;
        }
        skip();
    }

    private void close(char bracket) throws NotALiteral {
        skip();
        if (peek() != bracket) {
            throw NotALiteral.INSTANCE;
        }
        at++;
        depth--;
    }

    /** The character here, or NUL at the end (a NUL in the text is no literal either). */
    private char peek() {
        return at < text.length() ? text.charAt(at) : 0;
    }

    /** Skips blanks, comments, continuation lines, and inside brackets line ends. */
    private void skip() {
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == ' ' || c == '\t' || c == '\f' || c == '\n' && depth > 0) {
                at++;
            } else if (c == '#') {
                int end = text.indexOf('\n', at);
                at = end < 0 ? text.length() : end;
            } else if (c == '\\' && text.startsWith("\n", at + 1) && at + 2 < text.length()) {
                at += 2;
            } else {
                return;
            }
        }
    }
}
