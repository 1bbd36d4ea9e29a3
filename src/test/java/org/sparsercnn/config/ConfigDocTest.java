package org.sparsercnn.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ConfigDocTest {
    @Test
    void pageIsTheGeneratedOne() throws IOException {
        assertThat(Files.readString(Path.of("docs/config.md")))
                .as("docs/config.md is out of date; write it again: "
                        + "java -cp target/sparse-rcnn.jar org.sparsercnn.config.ConfigDoc docs/config.md")
                .isEqualTo(ConfigDoc.markdown());
    }

    @Test
    void everyKeyHasARow() {
        String page = ConfigDoc.markdown();
        assertThat(Schema.CURRENT.keys().keySet()).allSatisfy(key -> assertThat(page).contains("| `" + key + "`"));
    }
}
