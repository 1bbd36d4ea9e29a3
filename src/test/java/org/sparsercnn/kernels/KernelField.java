package org.sparsercnn.kernels;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A field of a kernel's struct, read from the text that the compiled kernel reports. */
public record KernelField(Kind kind, String name) {
    public enum Kind {
        POINTER, I64, DOUBLE
    }

    private static final Pattern DECLARATION = Pattern.compile("(?:(?:const )?\\w+(?<pointer> ?\\*) ?|(?<type>i64|double) )(?<name>\\w+)");

    /**
     * @param text {@code "const float* x; i64 n; double eps;"}
     * @throws AssertionError at a field that is neither pointer, i64 nor double: it would not be 8 bytes
     */
    public static List<KernelField> parse(String text) {
        return Arrays.stream(text.split(";")).map(String::strip).filter(field -> !field.isEmpty()).map(KernelField::field).toList();
    }

    private static KernelField field(String declaration) {
        Matcher m = DECLARATION.matcher(declaration);
        if (!m.matches()) {
            throw new AssertionError("a kernel's field must be one pointer, i64 or double, found: " + declaration);
        }
        Kind kind = m.group("pointer") != null ? Kind.POINTER : m.group("type").equals("i64") ? Kind.I64 : Kind.DOUBLE;
        return new KernelField(kind, m.group("name"));
    }
}
