package org.sparsercnn.config;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One Python string or bytes literal: prefixes r, b and u, single and triple quotes, escapes. */
final class PyString {
    private static final Pattern START = Pattern.compile("(?<prefix>[rR][bB]?|[bB][rR]?|[uU]?)(?<quote>'''|\"\"\"|'|\")");

    private final String text;
    private final String quote;
    private final boolean raw;
    private final boolean bytes;
    private int at;

    static boolean startsAt(String text, int at) {
        return START.matcher(text).region(at, text.length()).lookingAt();
    }

    /** The literal that {@linkplain #startsAt starts at} {@code start}. */
    PyString(String text, int start) {
        Matcher matcher = START.matcher(text).region(start, text.length());
        if (!matcher.lookingAt()) {
            throw new IllegalArgumentException("no string literal at " + start);
        }
        String prefix = matcher.group("prefix").toLowerCase(Locale.ROOT);
        this.text = text;
        this.quote = matcher.group("quote");
        this.raw = prefix.contains("r");
        this.bytes = prefix.contains("b");
        this.at = matcher.end();
    }

    boolean isBytes() {
        return bytes;
    }

    /** Appends the string's value to {@code out} and returns the position after its closing quote. */
    int readTo(StringBuilder out) throws NotALiteral {
        while (!text.startsWith(quote, at)) {
            boolean ends = at >= text.length() || quote.length() == 1 && text.charAt(at) == '\n';
            if (ends || bytes && text.charAt(at) > 0x7f) {
                throw NotALiteral.INSTANCE;
            }
            char c = text.charAt(at++);
            if (c != '\\') {
                out.append(c);
            } else if (at == text.length()) {
                throw NotALiteral.INSTANCE;
            } else if (raw) {
                out.append(c).append(text.charAt(at++));
            } else {
                escape(out, text.charAt(at++));
            }
        }
        return at + quote.length();
    }

    private void escape(StringBuilder out, char c) throws NotALiteral {
        switch (c) {
            case '\n' -> { }
            case '\\', '\'', '"' -> out.append(c);
            case 'a' -> out.append('\u0007');
            case 'b' -> out.append('\b');
            case 'f' -> out.append('\f');
            case 'n' -> out.append('\n');
            case 'r' -> out.append('\r');
            case 't' -> out.append('\t');
            case 'v' -> out.append('\u000b');
            case 'x' -> out.append((char) hex(2));
            case '0', '1', '2', '3', '4', '5', '6', '7' -> {
                int code = c - '0';
                for (int i = 0; i < 2 && at < text.length() && "01234567".indexOf(text.charAt(at)) >= 0; i++) {
                    code = code * 8 + text.charAt(at++) - '0';
                }
                out.append((char) code);
            }
            case 'u', 'U', 'N' -> {
                if (bytes) {
                    out.append('\\').append(c);
                } else {
                    out.appendCodePoint(c == 'N' ? namedCharacter() : hex(c == 'u' ? 4 : 8));
                }
            }
            default -> out.append('\\').append(c); // Python keeps the backslash of an escape it does not know
        }
    }

    private int hex(int digits) throws NotALiteral {
        if (at + digits > text.length()) {
            throw NotALiteral.INSTANCE;
        }
        int code = 0;
        for (int i = 0; i < digits; i++) {
            int digit = Character.digit(text.charAt(at++), 16);
            if (digit < 0 || code > Character.MAX_CODE_POINT >> 4) {
                throw NotALiteral.INSTANCE;
            }
            code = code << 4 | digit;
        }
        if (code > Character.MAX_CODE_POINT) {
            throw NotALiteral.INSTANCE;
        }
        return code;
    }

    private int namedCharacter() throws NotALiteral {
        int end = text.indexOf('}', at);
        if (!text.startsWith("{", at) || end < 0) {
            throw NotALiteral.INSTANCE;
        }
        try {
            int code = Character.codePointOf(text.substring(at + 1, end));
            at = end + 1;
            return code;
        } catch (IllegalArgumentException _) {
            throw NotALiteral.INSTANCE;
        }
    }
}
