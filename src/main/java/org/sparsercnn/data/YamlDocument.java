package org.sparsercnn.data;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/** A YAML file of maps, lists, texts and numbers, as data sets are described by. */
public final class YamlDocument {
    private YamlDocument() {}

    /**
     * The value of the whole document; null where there is none.
     *
     * @param what it is, for the message
     * @throws BadInput if the file is missing, no text, or no YAML, which includes a key written twice
     */
    public static Object read(Path file, String what) {
        try {
            return new Load(LoadSettings.builder().setLabel(file.toString()).build()).loadFromString(Files.readString(file));
        } catch (CharacterCodingException e) {
            throw new BadInput(file + ": not a text file in UTF-8; " + what + " was expected", e);
        } catch (IOException e) {
            throw new BadInput(file + ": " + what + " cannot be read: " + AtomicFiles.reason(e), e);
        } catch (MarkedYamlEngineException e) {
            String line = e.getProblemMark().map(mark -> ", line " + (mark.getLine() + 1)).orElse("");
            throw new BadInput(file + line + ": not YAML: " + e.getProblem(), e);
        } catch (YamlEngineException | StackOverflowError e) { // brackets in brackets in brackets …
            throw new BadInput(file + ": not YAML: " + e.getMessage(), e);
        }
    }
}
