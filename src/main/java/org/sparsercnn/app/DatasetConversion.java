package org.sparsercnn.app;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.data.CocoReader;
import org.sparsercnn.data.Dataset;
import org.sparsercnn.data.Preflight;
import org.sparsercnn.data.convert.CocoJsonWriter;
import org.sparsercnn.data.convert.DatasetFormat;
import org.sparsercnn.data.convert.Findings;
import org.sparsercnn.data.convert.Inputs;
import org.sparsercnn.data.convert.LabelSource;
import org.sparsercnn.data.convert.LabelledImage;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/** {@code convert-dataset}: labels of another format to COCO JSON, all of them or nothing. */
public final class DatasetConversion {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.convert");

    /**
     * What is wanted.
     *
     * @param from empty: what the names at the input tell
     * @param skipBad leave out what is bad instead of refusing all
     */
    public record Options(Optional<DatasetFormat> from, Inputs inputs, boolean skipBad, Path output) {}

    private DatasetConversion() {}

    /**
     * Converts and says what came out and how to train on it.
     *
     * @throws BadInput with all that is wrong, in which case nothing is written
     */
    public static void run(Environment environment, Options options) {
        Inputs inputs = options.inputs();
        DatasetFormat format = options.from().orElseGet(() -> DatasetFormat.detect(inputs.path()));
        refuseOutput(options);
        LOG.info("{}: reading as {}", inputs.path(), format);
        try {
            convert(environment, options, format);
        } catch (InvalidPathException e) { // of a list, a data.yaml or an .odgt file
            throw new BadInput(inputs.path() + ": \"" + e.getInput() + "\" cannot be a file name: " + e.getReason(), e);
        }
    }

    private static void convert(Environment environment, Options options, DatasetFormat format) {
        Inputs inputs = options.inputs();
        LabelSource source = format.open(inputs);
        Findings findings = new Findings();
        try (ProgressLine line = environment.progressLine(); StepProgress progress = new StepProgress("converting", source.steps(), line)) {
            AtomicFiles.write(options.output(), out -> {
                try (CocoJsonWriter json = new CocoJsonWriter(out, options.output().toAbsolutePath().getParent())) {
                    source.read(findings, new Sink(json, progress));
                    json.finish(source.categories());
                    check(findings, json, options);
                }
            });
        } catch (UncheckedIOException e) {
            throw notWritten(options.output(), e.getCause());
        } catch (IOException e) {
            throw notWritten(options.output(), e);
        }
        if (findings.bad() > 0) {
            LOG.warn("{}: left out {}:{}", inputs.path(), problems(findings.bad()), findings.report(true));
        }
        if (findings.harmless() > 0) {
            LOG.warn("{}: worth a look:{}", inputs.path(), findings.report(false));
        }
        NextSteps next = new NextSteps(format, inputs, source, options.output(), options.skipBad());
        Dataset written = CocoReader.read(options.output().getFileName().toString(), options.output(), source.imageFolder(), false);
        Preflight preflight = Preflight.of(written, next.proposals());
        System.out.println(preflight.text());
        preflight.warnings().forEach(LOG::warn);
        System.out.println("Category ids: " + written.categories());
        System.out.println(next.text());
    }

    private record Sink(CocoJsonWriter json, StepProgress progress) implements LabelSource.Sink {
        @Override
        public void step() {
            progress.step();
        }

        @Override
        public void image(LabelledImage image) {
            try {
                json.image(image);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static void refuseOutput(Options options) {
        Path output = options.output();
        if (Files.isDirectory(output)) {
            throw new BadInput(output + ": is a folder; name a file such as " + output.resolve("train.json"));
        }
        if (output.toAbsolutePath().normalize().equals(options.inputs().path().toAbsolutePath().normalize())) {
            throw new BadInput(output + ": would be written over what is converted; name another file");
        }
    }

    /** Before the file takes its place. */
    private static void check(Findings findings, CocoJsonWriter json, Options options) {
        if (findings.bad() > 0 && !options.skipBad()) {
            throw BadInput.of("%s: %s, nothing was written; repair them, or leave out what is bad with --skip-bad:%s", options.inputs().path(),
                    problems(findings.bad()), findings.report(true) + findings.report(false));
        }
        if (json.objects() == 0) {
            throw BadInput.of("%s: no object is left in %,d images, nothing was written%s", options.inputs().path(), json.images(),
                    findings.report(true) + findings.report(false));
        }
    }

    private static String problems(int count) {
        return count == 1 ? "1 problem" : String.format(Locale.ROOT, "%,d problems", count);
    }

    private static BadInput notWritten(Path output, IOException e) {
        return new BadInput(output + ": cannot be written: " + AtomicFiles.reason(e) + "; free some space or choose another --output", e);
    }
}
