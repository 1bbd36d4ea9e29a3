package org.sparsercnn.util;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Path;

/** The one Jackson mapper of the program, and whole-file reading and writing with our error messages. */
public final class Json {
    public static final ObjectMapper MAPPER = new ObjectMapper();

    private Json() {}

    /** Parses {@code file} into {@code type}; a file that is missing or is not JSON is a {@link BadInput} naming it. */
    public static <T> T read(Path file, Class<T> type) {
        try {
            return MAPPER.readValue(file.toFile(), type);
        } catch (JsonProcessingException e) {
            String where = e.getLocation() == null ? "" : " at line " + e.getLocation().getLineNr();
            throw new BadInput(file + ": not the JSON that was expected" + where + ": " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new BadInput(file + ": cannot be read: " + reason(e), e);
        }
    }

    /** Writes {@code value} indented, through a temporary file and an atomic rename. */
    public static void write(Path file, Object value) {
        try {
            AtomicFiles.write(file, out -> MAPPER.writer().with(SerializationFeature.INDENT_OUTPUT).writeValue(out, value));
        } catch (IOException e) {
            throw new BadInput(file + ": cannot be written: " + reason(e) + "; free some space or choose another folder", e);
        }
    }

    private static String reason(IOException e) {
        return AtomicFiles.reason(e);
    }
}
