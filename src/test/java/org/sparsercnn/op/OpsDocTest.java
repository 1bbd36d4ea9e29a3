package org.sparsercnn.op;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;

class OpsDocTest {
    @Test
    void pageIsTheGeneratedOne() throws IOException {
        if ("write".equals(System.getProperty("sparsercnn.docs"))) {
            OpsDoc.write();
        }
        assertThat(Files.readString(OpsDoc.PAGE)).as(OpsDoc.PAGE + " is out of date; write it again: " + OpsDoc.COMMAND)
                .isEqualTo(OpsDoc.markdown());
    }
}
