package org.sparsercnn.selftest;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.sparsercnn.app.DeviceChoice;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.model.ModelCheck;
import org.sparsercnn.op.OpCheck;
import org.sparsercnn.testing.GoldenWeights;
import org.sparsercnn.train.TrainingCheck;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/**
 * Checks a device on the machine it is in: every op's spec, products of random shapes, recorded models, training beside the CPU,
 * leaks; in every precision it computes in. Needs this program and the test classes, neither Maven nor JUnit's console.
 */
public final class SelfTest {
    /** Opens the device under test. */
    public interface Devices {
        Device open(Mode mode);
    }

    /**
     * @param only a regular expression that is found in the titles of the checks to run
     * @param timeLimitSeconds no check begins after it
     * @param json report for machines, or null
     */
    public record Options(Pattern only, double timeLimitSeconds, Path json) {}

    private final Devices devices;
    private final Options options;
    private final PrintStream out;
    private final long begin = System.nanoTime();
    private final List<Row> rows = new ArrayList<>();
    private String deviceName = "";

    private SelfTest(Devices devices, Options options, PrintStream out) {
        this.devices = devices;
        this.options = options;
        this.out = out;
    }

    /**
     * The entry of {@code sparse-rcnn selftest}, which calls it by name: see {@code app.SelfTests}.
     *
     * @param device cpu, cuda or cuda:N
     * @param only regular expression, or null; likewise {@code json}
     * @return exit code: 0, 1 a defect, 2 no such device, 3 the time limit came first
     */
    public static int run(String device, String only, double timeLimitSeconds, Path json) {
        try {
            Pattern pattern = Pattern.compile(only == null ? "" : only, Pattern.CASE_INSENSITIVE);
            return run(mode -> open(device, mode), new Options(pattern, timeLimitSeconds, json), System.out);
        } catch (PatternSyntaxException e) {
            return failed("--only " + only + ": not a regular expression: " + e.getDescription());
        } catch (BadInput e) {
            return failed(e.getMessage());
        }
    }

    private static int failed(String message) {
        System.err.println("error: " + message);
        return 2;
    }

    private static Device open(String name, Mode mode) {
        Config config = GoldenWeights.load("model_tiny").config().with("FLOAT32_PRECISION", mode == Mode.TF32 ? "high" : "highest");
        DeviceChoice choice = new DeviceChoice(Optional.of(name), Optional.empty());
        choice.check(config, 1);
        return choice.open(config, 0, 1);
    }

    /** @throws BadInput where the device cannot be opened, or nothing is called like {@code only} */
    public static int run(Devices devices, Options options, PrintStream out) {
        return new SelfTest(devices, options, out).run();
    }

    private int run() {
        List<Check> chosen = checks().filter(c -> options.only.matcher(c.title()).find()).toList();
        if (chosen.isEmpty()) {
            throw BadInput.of("--only %s: no check is called like it; they are %s", options.only, checks().map(Check::title).toList());
        }
        for (Mode mode : Mode.values()) {
            List<Check> of = chosen.stream().filter(c -> c.appliesTo(mode)).toList();
            try (Device device = devices.open(mode)) {
                if (mode == Mode.FP32) {
                    deviceName = device.name();
                    out.println("device: " + deviceName);
                    out.println(Row.HEADING);
                } else if (!device.computesIn(DType.BF16)) { // such a device has no TF32 either
                    out.println(mode + ": this device does not compute in it");
                    continue;
                }
                of.forEach(check -> add(row(check, device, mode)));
            }
        }
        return finish();
    }

    private static Stream<Check> checks() {
        return Stream.of(OpCheck.all(), ProductCheck.all(), ModelCheck.all(), NcclCheck.checks(), TrainingCheck.all()).flatMap(List::stream);
    }

    private void add(Row row) {
        rows.add(row);
        out.println(row.text());
    }

    private double seconds() {
        return (System.nanoTime() - begin) * 1e-9;
    }

    private Row row(Check check, Device device, Mode mode) {
        if (seconds() > options.timeLimitSeconds) {
            return new Row(check.title(), mode, 0, 0, Row.Verdict.NOT_REACHED, 0, "", "");
        }
        Worst worst = new Worst();
        long start = System.nanoTime();
        long held = device.memory().inUse();
        Row.Verdict verdict;
        String message;
        try {
            check.run(device, mode, worst);
            device.synchronize();
            worst.add("bytes still held", device.memory().inUse() - held, 0.5);
            verdict = worst.ratio() > 1 ? Row.Verdict.DEFECT : Row.Verdict.OK;
            message = worst.where();
        } catch (Check.Skipped e) {
            verdict = Row.Verdict.SKIPPED;
            message = e.getMessage();
        } catch (AssertionError | RuntimeException e) { // the next check may still tell something
            verdict = Row.Verdict.DEFECT;
            message = e.toString();
        }
        return new Row(check.title(), mode, worst.cases(), worst.ratio(), verdict, (System.nanoTime() - start) / 1_000_000, message, worst.note());
    }

    private int finish() {
        long defects = rows.stream().filter(r -> r.verdict() == Row.Verdict.DEFECT).count();
        long missed = rows.stream().filter(r -> r.verdict() == Row.Verdict.NOT_REACHED).count();
        String verdict = defects > 0 ? defects + " of " + rows.size() + " checks found a defect"
                : missed > 0 ? "time is up: " + missed + " of " + rows.size() + " checks were not reached" : "no defect in " + rows.size() + " checks";
        out.printf(Locale.ROOT, "%s (%.0f s)%n", verdict, seconds());
        if (options.json != null) {
            Map<String, Object> report = new LinkedHashMap<>();
            report.put("device", deviceName);
            report.put("java", Runtime.version().toString());
            report.put("verdict", verdict);
            report.put("seconds", seconds());
            report.put("rows", rows.stream().map(Row::json).toList());
            Json.write(options.json, report);
        }
        return defects > 0 ? 1 : missed > 0 ? 3 : 0;
    }
}
