package org.sparsercnn.viz.report;

import java.util.function.Consumer;

/**
 * Text of a page as it grows. It is XML too, so that whatever comes out can be checked for well-formedness; everything but {@link #raw} is
 * escaped, whoever gave it.
 */
final class Html {
    private final StringBuilder out = new StringBuilder();

    /** Text as it stands. */
    Html text(String text) {
        out.append(escaped(text));
        return this;
    }

    /** Our own words with tags in them; never what comes from data. */
    Html raw(String html) {
        out.append(html);
        return this;
    }

    /** An element with text. */
    Html element(String tag, String text, String... attributes) {
        return element(tag, _ -> text(text), attributes);
    }

    /**
     * An element with what {@code content} puts into it.
     *
     * @param attributes names and values in turn
     */
    Html element(String tag, Consumer<Html> content, String... attributes) {
        begin(tag, attributes).append('>');
        content.accept(this);
        out.append("</").append(tag).append('>');
        return this;
    }

    /** An element without content. */
    Html empty(String tag, String... attributes) {
        begin(tag, attributes).append("/>");
        return this;
    }

    private StringBuilder begin(String tag, String... attributes) {
        out.append('<').append(tag);
        for (int i = 0; i < attributes.length; i += 2) {
            out.append(' ').append(attributes[i]).append("=\"").append(escaped(attributes[i + 1])).append('"');
        }
        return out;
    }

    /** Control characters, which XML and HTML do not have, become U+FFFD. */
    static String escaped(String text) {
        StringBuilder safe = new StringBuilder(text.length() + 16);
        text.codePoints().forEach(c -> {
            switch (c) {
                case '<' -> safe.append("&lt;");
                case '>' -> safe.append("&gt;");
                case '&' -> safe.append("&amp;");
                case '"' -> safe.append("&quot;");
                case '\'' -> safe.append("&#39;");
                default -> safe.appendCodePoint(isCharacter(c) ? c : 0xFFFD);
            }
        });
        return safe.toString();
    }

    private static boolean isCharacter(int c) {
        return c == '\t' || c == '\n' || c >= 0x20 && (c < 0x7F || c > 0x9F) && (c < 0xD800 || c > 0xDFFF) && (c & 0xFFFE) != 0xFFFE;
    }

    @Override
    public String toString() {
        return out.toString();
    }
}
