package org.sparsercnn.op;

import com.fasterxml.jackson.databind.JsonNode;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;

/** Recorded cases lie in NCHW (weights OIHW), ours in NHWC (OHWI); a sample of ours says so with {@code 'layout': 'NHWC'}. */
final class Nhwc {
    private Nhwc() {}

    static Variable in(Tape tape, Variable x, JsonNode attrs) {
        return ours(attrs) ? x : Permute.apply(tape, x, 0, 2, 3, 1);
    }

    static Variable out(Tape tape, Variable y, JsonNode attrs) {
        return ours(attrs) ? y : Permute.apply(tape, y, 0, 3, 1, 2);
    }

    private static boolean ours(JsonNode attrs) {
        return attrs.path("layout").asText().equals("NHWC");
    }
}
