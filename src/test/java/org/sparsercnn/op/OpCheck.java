package org.sparsercnn.op;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.sparsercnn.device.Convolution;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.device.ForwardingDevice;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.Pointer;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.selftest.Check;
import org.sparsercnn.selftest.GuardedDevice;
import org.sparsercnn.selftest.Mode;
import org.sparsercnn.selftest.Worst;
import org.sparsercnn.testing.Array;

/**
 * An op's spec run on another device, forward and backward: recorded numbers, and samples of several seeds against the float64
 * reference and the CPU device's gradients.
 */
public final class OpCheck implements Check {
    private static final int SEEDS = 3;

    private final OpSpec spec;

    private OpCheck(OpSpec spec) {
        this.spec = spec;
    }

    /** One check for each spec that lies beside this class, in a folder or a jar. */
    public static List<Check> all() {
        try {
            Path place = Path.of(OpCheck.class.getProtectionDomain().getCodeSource().getLocation().toURI());
            if (Files.isDirectory(place)) {
                return in(place);
            }
            try (FileSystem jar = FileSystems.newFileSystem(URI.create("jar:" + place.toUri()), Map.of())) {
                return in(jar.getPath("/"));
            }
        } catch (IOException | URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    private static List<Check> in(Path root) throws IOException {
        Path folder = root.resolve(OpCheck.class.getPackageName().replace('.', '/'));
        try (Stream<Path> files = Files.list(folder)) {
            List<String> names = files.map(f -> f.getFileName().toString()).filter(n -> n.endsWith("Spec.class") && !n.equals("OpSpec.class"))
                    .map(n -> n.replace(".class", "")).sorted().toList();
            List<Check> checks = new ArrayList<>();
            for (String name : names) {
                Object spec = Class.forName(OpCheck.class.getPackageName() + "." + name).getDeclaredConstructor().newInstance();
                if (spec instanceof OpSpec s) {
                    checks.add(new OpCheck(s));
                }
            }
            return checks;
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public String title() {
        return "ops " + spec.getClass().getSimpleName().replace("Spec", "");
    }

    /** Products are all that TF32 changes. */
    @Override
    public boolean appliesTo(Mode mode) {
        return switch (mode) {
            case FP32 -> true;
            case TF32 -> multiplies();
            case BF16 -> spec.bf16();
        };
    }

    private boolean multiplies() {
        boolean[] multiplied = new boolean[1];
        try (Device device = new ForwardingDevice(new CpuDevice(1, -1)) {
            @Override
            public void gemm(Gemm gemm) {
                multiplied[0] = true;
                super.gemm(gemm);
            }

            @Override
            public void convolution(Convolution shape, Pointer x, Pointer w, Epilogue epilogue, Pointer y) {
                multiplied[0] = true;
                super.convolution(shape, x, w, epilogue, y);
            }
        }) {
            spec.samples(new Random(0)).forEach(s -> spec.execute(device, s, spec.cotangents(s), spec.differentiable(), false));
        }
        return multiplied[0];
    }

    @Override
    public void run(Device device, Mode mode, Worst worst) {
        try (Device cpu = new CpuDevice(1, -1)) {
            if (mode != Mode.BF16) { // recorded inputs do not say which of them are bf16
                spec.goldenCases().filter(OpSpec::isHere).forEach(c -> golden(c, device, cpu, mode, worst));
            }
            for (int seed = 0; seed < SEEDS; seed++) {
                spec.samples(new Random(seed)).forEach(s -> sample(mode == Mode.BF16 ? OpSpec.rounded(s) : s, device, cpu, mode, worst));
            }
        }
    }

    /** In fp32 against what was recorded; in TF32 against the CPU device, with the same kinks left out. */
    private void golden(JsonNode c, Device device, Device cpu, Mode mode, Worst worst) {
        String name = c.get("case").asText();
        OpSpec.Sample s = OpSpec.sample(c);
        Map<String, Array> outputs = OpSpec.arrays(c.get("outputs"));
        Map<String, Array> grads = OpSpec.arrays(c.get("grads"));
        Pair pair = execute(s, OpSpec.arrays(c.get("cotangents")), grads.keySet(), device, cpu, mode, worst);
        outputs.forEach((out, recorded) -> outputs(worst, mode, name + " " + out, pair.got.out().get(out),
                mode == Mode.FP32 ? recorded : pair.wanted.out().get(out), OpSpec.noise(c, "out." + out, recorded)));
        grads.forEach((in, recorded) -> gradients(worst, mode, name + " grad " + in, pair.got.grad().get(in),
                mode == Mode.FP32 ? recorded : pair.wanted.grad().get(in), OpSpec.noise(c, "grad." + in, recorded)));
    }

    private void sample(OpSpec.Sample s, Device device, Device cpu, Mode mode, Worst worst) {
        Pair pair = execute(s, spec.cotangents(s), spec.differentiable(), device, cpu, mode, worst);
        spec.reference(s.in(), s.attrs()).forEach((out, wanted) -> outputs(worst, mode, s.name() + " " + out, pair.got.out().get(out), wanted,
                spec.tolerance() * (1 + OpSpec.scale(wanted))));
        pair.wanted.grad().forEach((in, wanted) -> gradients(worst, mode, s.name() + " grad " + in, pair.got.grad().get(in), wanted,
                OpSpec.GRADIENT_TOLERANCE * (1 + OpSpec.scale(wanted))));
    }

    private static void outputs(Worst worst, Mode mode, String what, Array got, Array wanted, double bound) {
        compare(worst, mode, what, got, wanted, bound, mode.outputs());
    }

    private static void gradients(Worst worst, Mode mode, String what, Array got, Array wanted, double bound) {
        compare(worst, mode, what, got, wanted, bound, mode.gradients());
    }

    private static void compare(Worst worst, Mode mode, String what, Array got, Array wanted, double bound, double tolerance) {
        if (mode == Mode.FP32) {
            worst.elements(what, got, wanted, tolerance * bound);
        } else {
            worst.norm(what, got, wanted, tolerance);
        }
    }

    /** The same on the device and on the CPU. */
    private record Pair(OpSpec.Result got, OpSpec.Result wanted) {}

    private Pair execute(OpSpec.Sample s, Map<String, Array> cotangents, Set<String> grads, Device device, Device cpu, Mode mode, Worst worst) {
        worst.count();
        Pair pair = execute(s, cotangents, grads, device, cpu, mode.compute(), worst);
        if (mode == Mode.FP32) {
            return pair;
        }
        Map<String, Array> smooth = withoutCrossedKinks(cotangents, pair);
        return smooth.equals(cotangents) ? pair : execute(s, smooth, grads, device, cpu, mode.compute(), worst);
    }

    private Pair execute(OpSpec.Sample s, Map<String, Array> cotangents, Set<String> grads, Device device, Device cpu, DType compute,
                         Worst worst) {
        GuardedDevice guarded = new GuardedDevice(device);
        OpSpec.Result got = spec.execute(guarded, s, cotangents, grads, false, compute);
        guarded.violations().forEach(v -> worst.add(s.name() + ": " + v, Double.NaN, 1));
        return new Pair(got, spec.execute(cpu, s, cotangents, grads, false));
    }

    /** An output that ReLU cut off on one side only sends no gradient. */
    private static Map<String, Array> withoutCrossedKinks(Map<String, Array> cotangents, Pair pair) {
        Map<String, Array> smooth = new LinkedHashMap<>();
        cotangents.forEach((out, dy) -> {
            double[] got = pair.got.out().get(out).values();
            double[] wanted = pair.wanted.out().get(out).values();
            Array kept = dy;
            for (int i = 0; i < got.length; i++) {
                if ((got[i] == 0) != (wanted[i] == 0)) {
                    kept = kept == dy ? dy.copy() : kept;
                    kept.values()[i] = 0;
                }
            }
            smooth.put(out, kept);
        });
        return smooth;
    }
}
