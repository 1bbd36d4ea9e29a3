package org.sparsercnn.data;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/**
 * Reads a big JSON file front to back without holding it: annotation files and detection results run to hundreds of
 * megabytes. Every error is a {@link BadInput} that names the file, the line and the place inside the document.
 *
 * <p>NaN and Infinity are read, because Python writes them.
 */
public final class JsonStream {
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER) // still the nearest double, twice as fast
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build();

    private final Path file;
    private final JsonParser parser;

    private JsonStream(Path file, JsonParser parser) {
        this.file = file;
        this.parser = parser;
    }

    /** What to do with a document. */
    @FunctionalInterface
    public interface Reader<T> {
        T read(JsonStream in) throws IOException;
    }

    /** Takes one field of an object; must consume its value, with {@link #skip} if with nothing else. */
    @FunctionalInterface
    public interface Field {
        void read(String name) throws IOException;
    }

    /** Takes one element of an array. */
    @FunctionalInterface
    public interface Element {
        void read() throws IOException;
    }

    /** Opens {@code file}, stands at its first value and lets {@code reader} consume it; nothing may follow. */
    public static <T> T read(Path file, Reader<T> reader) {
        try (InputStream bytes = Files.newInputStream(file);
                JsonParser parser = FACTORY.createParser(bytes)) {
            JsonStream in = new JsonStream(file, parser);
            if (parser.nextToken() == null) {
                throw new BadInput(file + ": the file is empty, JSON was expected");
            }
            T result = reader.read(in);
            if (parser.nextToken() != null) {
                throw in.bad("something follows the end of the document");
            }
            return result;
        } catch (JsonProcessingException e) {
            String where = e.getLocation() == null ? "" : " at line " + e.getLocation().getLineNr() + ", column " + e.getLocation().getColumnNr();
            throw new BadInput(file + ": broken or truncated JSON" + where + ": " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new BadInput(file + ": cannot be read: " + AtomicFiles.reason(e), e);
        }
    }

    public boolean atObject() {
        return parser.currentToken() == JsonToken.START_OBJECT;
    }

    public boolean atArray() {
        return parser.currentToken() == JsonToken.START_ARRAY;
    }

    /** Walks the object the stream stands at. */
    public void object(Field field) throws IOException {
        if (!atObject()) {
            throw bad("an object {…} was expected, found %s", found());
        }
        for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
            parser.nextToken();
            field.read(name);
        }
    }

    /** Walks the array the stream stands at. */
    public void array(Element element) throws IOException {
        if (!atArray()) {
            throw bad("an array […] was expected, found %s", found());
        }
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            element.read();
        }
    }

    /** An integer; 3.0 counts as 3, as it does in Python. */
    public long integer() throws IOException {
        if (parser.currentToken() == JsonToken.VALUE_NUMBER_INT && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER) {
            return parser.getLongValue();
        }
        if (parser.currentToken() == JsonToken.VALUE_NUMBER_FLOAT) {
            double value = parser.getDoubleValue();
            if (value == Math.rint(value) && Math.abs(value) <= 1L << 53) {
                return (long) value;
            }
        }
        throw bad("an integer was expected, found %s", found());
    }

    /** A number; null counts as NaN. */
    public double number() throws IOException {
        return switch (parser.currentToken()) {
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
            case VALUE_NULL -> Double.NaN;
            default -> throw bad("a number was expected, found %s", found());
        };
    }

    /** true, false, null or a number other than 0. */
    public boolean flag() throws IOException {
        return switch (parser.currentToken()) {
            case VALUE_TRUE -> true;
            case VALUE_FALSE, VALUE_NULL -> false;
            default -> number() != 0;
        };
    }

    public String text() throws IOException {
        if (parser.currentToken() != JsonToken.VALUE_STRING) {
            throw bad("a text was expected, found %s", found());
        }
        return parser.getText();
    }

    /** Exactly {@code target.length} numbers in an array. */
    public void numbers(double[] target) throws IOException {
        if (!atArray()) {
            throw bad("%d numbers were expected, found %s", target.length, found());
        }
        int n = 0;
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (n == target.length) {
                throw bad("%d numbers were expected, found more", target.length);
            }
            target[n++] = number();
        }
        if (n < target.length) {
            throw bad("%d numbers were expected, found %d", target.length, n);
        }
    }

    /** Passes over the value the stream stands at. */
    public void skip() throws IOException {
        parser.skipChildren();
    }

    /** An error at this place of the document. */
    public BadInput bad(String format, Object... args) {
        String place = parser.getParsingContext().pathAsPointer().toString();
        return new BadInput("%s: line %d%s: %s".formatted(file, parser.currentTokenLocation().getLineNr(),
                place.isEmpty() ? "" : ", at " + place, format.formatted(args)));
    }

    private String found() throws IOException {
        return switch (parser.currentToken()) {
            case START_OBJECT -> "an object {…}";
            case START_ARRAY -> "an array […]";
            case VALUE_STRING -> {
                String text = parser.getText();
                yield '"' + (text.length() > 40 ? text.substring(0, 40) + "…" : text) + '"';
            }
            default -> parser.getText();
        };
    }
}
