package org.sparsercnn.op;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.sparsercnn.kernels.KernelSources;
import org.sparsercnn.testing.Golden;
import org.sparsercnn.util.AtomicFiles;

/** Writes docs/ops.md from the ops, their kernels and their specs. */
final class OpsDoc {
    static final Path PAGE = Path.of("docs/ops.md");
    static final String COMMAND = "mvn test -Dtest=OpsDocTest -Dsparsercnn.docs=write";

    private static final String INTRODUCTION = """
            # Ops

            <!-- Generated from org.sparsercnn.op, kernels/ and the specs; do not edit. To write it again:
                 %s -->

            An op is one name in four places: `op/RoiAlign.java`, `kernels/roi_align.cu`, `RoiAlignSpec` in the tests, a row here. Its
            spec checks it against the recorded numbers of the published implementation, and on its own samples against a float64
            reference: values, gradients by central differences, strided inputs, equal bits on any number of threads, and the
            kernels in blocks of threads in any order. Ops of a network in bf16 are checked in it too; their kernels `…_f32` are there
            as `…_bf16`.

            """.formatted(COMMAND);

    private OpsDoc() {}

    static void write() throws IOException {
        AtomicFiles.write(PAGE, file -> file.write(markdown().getBytes(StandardCharsets.UTF_8)));
    }

    static String markdown() {
        StringBuilder out = new StringBuilder(INTRODUCTION);
        row(out, "op", "what it computes", "kernels", "recorded cases", "samples");
        row(out, "---", "---", "---", "---", "---");
        Golden golden = Golden.load("ops");
        for (Class<?> op : KernelSources.classes("op")) {
            Optional<OpSpec> spec = specOf(op);
            row(out, "`" + op.getSimpleName() + "`", KernelSources.summary(op), kernels(op),
                    spec.map(s -> "" + recorded(golden, s)).orElse("–"), spec.map(s -> "" + s.samples(new Random(7)).size()).orElse("–"));
        }
        List<Class<?>> optimisers = KernelSources.classes("optim").stream().filter(type -> KernelSources.fileOf(type).isPresent()).toList();
        if (!optimisers.isEmpty()) {
            out.append("\n## Optimisers\n\n");
            row(out, "class", "what it computes", "kernels");
            row(out, "---", "---", "---");
            optimisers.forEach(type -> row(out, "`" + type.getSimpleName() + "`", KernelSources.summary(type), kernels(type)));
        }
        return out.toString();
    }

    private static String kernels(Class<?> type) {
        List<String> names = KernelSources.declared().stream().filter(declared -> declared.owner() == type)
                .map(declared -> "`" + declared.kernel().name() + "`").toList();
        return names.isEmpty() ? "–" : String.join("<br>", names);
    }

    private static long recorded(Golden golden, OpSpec spec) {
        long count = 0;
        for (var c : golden.json().get("cases")) {
            count += spec.goldenOps().contains(c.get("op").asText()) && !spec.skipGolden(c.get("case").asText()) ? 1 : 0;
        }
        return count;
    }

    /** Empty for an op that only serves others and has tests of another kind. */
    private static Optional<OpSpec> specOf(Class<?> op) {
        try {
            Object spec = Class.forName(op.getName() + "Spec").getDeclaredConstructor().newInstance();
            return spec instanceof OpSpec s ? Optional.of(s) : Optional.empty();
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(op + " has no spec", e);
        }
    }

    private static void row(StringBuilder out, String... cells) {
        out.append("|");
        for (String cell : cells) {
            out.append(' ').append(cell.replace("|", "\\|")).append(" |");
        }
        out.append('\n');
    }
}
