package org.sparsercnn.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.device.cuda.NullGpu;
import org.sparsercnn.kernels.EmulatedDevice;
import org.sparsercnn.kernels.Schedule;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;
import org.sparsercnn.testing.Bf16;
import org.sparsercnn.testing.Bf16Device;
import org.sparsercnn.testing.Golden;
import org.sparsercnn.util.Json;

/**
 * What an op is, said once and checked in every way: against recorded numbers, against a float64 reference, its gradient
 * against central differences of that reference, on views, for equal bits on any number of threads, and with its kernels run as
 * on a GPU, in blocks of threads, for equal bits in any order of these; all of it in bf16 too where the op has it.
 */
public abstract class OpSpec {
    /** Inputs by name and the op's attributes. */
    public record Sample(String name, Map<String, Array> in, JsonNode attrs) {
        /** @param attrs JSON, single quotes allowed in place of double ones */
        public static Sample of(String name, String attrs, Object... namesAndArrays) {
            Map<String, Array> in = new LinkedHashMap<>();
            for (int i = 0; i < namesAndArrays.length; i += 2) {
                in.put((String) namesAndArrays[i], (Array) namesAndArrays[i + 1]);
            }
            try {
                return new Sample(name, in, Json.MAPPER.readTree(attrs.replace('\'', '"')));
            } catch (java.io.IOException e) {
                throw new AssertionError(e);
            }
        }
    }

    /** Allowed error of a gradient, relative to its largest value. */
    static final double GRADIENT_TOLERANCE = 2e-5;

    private static Golden golden;

    private static synchronized Golden golden() {
        if (golden == null) {
            golden = Golden.load("ops");
        }
        return golden;
    }

    // What a spec says

    /** Names of this op in the recorded group "ops"; empty where it has none. */
    protected abstract Set<String> goldenOps();

    /** Runs the op; outputs by name. Integer inputs arrive as fp32 variables: convert with {@link #ints}. */
    protected abstract Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs);

    /** The same in float64. */
    protected abstract Map<String, Array> reference(Map<String, Array> in, JsonNode attrs);

    /** Small random inputs; among them sizes 0 and 1 and odd ones. */
    protected abstract List<Sample> samples(Random random);

    /** Inputs a gradient flows to. */
    protected abstract Set<String> differentiable();

    /** Allowed error relative to the largest value of the tensor. */
    protected double tolerance() {
        return 3e-6;
    }

    /** Whether the op takes part in a network in bf16. */
    protected boolean bf16() {
        return false;
    }

    /** Inputs that are F32 there too: parameters, boxes, what stands for integers. */
    protected Set<String> fp32Inputs() {
        return Set.of();
    }

    /** Outputs that are F32 there too: boxes, losses, statistics. */
    protected Set<String> fp32Outputs() {
        return Set.of();
    }

    /**
     * Allowed error there relative to the largest value of the tensor, given inputs that bf16 holds exactly. A result rounded
     * once is off by 2^-9 of itself; an op that allows more says why.
     */
    protected double bf16Tolerance() {
        return 0x1p-8;
    }

    /** Golden cases left out, each with a reason in the overriding method's comment. */
    protected boolean skipGolden(String caseName) {
        return false;
    }

    // What is checked

    @TestFactory
    Stream<DynamicTest> golden_numbers() {
        return goldenCases().map(c -> DynamicTest.dynamicTest(c.get("case").asText(), () -> checkGolden(c)));
    }

    final Stream<JsonNode> goldenCases() {
        List<JsonNode> cases = new ArrayList<>();
        if (!goldenOps().isEmpty()) {
            for (JsonNode c : golden().json().get("cases")) {
                if (goldenOps().contains(c.get("op").asText()) && !skipGolden(c.get("case").asText())) {
                    cases.add(c);
                }
            }
            assertThat(cases).isNotEmpty();
        }
        return cases.stream();
    }

    /** Whether a case's tensors are in this copy of the recording; a portable distribution has not all. */
    static boolean isHere(JsonNode c) {
        return Stream.of("inputs", "outputs", "cotangents", "grads").flatMap(k -> c.path(k).properties().stream())
                .allMatch(e -> golden().has(e.getValue().asText()));
    }

    /** A recorded case; its attributes get the op's name as "op", for specs of two ops. */
    static Sample sample(JsonNode c) {
        ObjectNode attrs = c.get("attrs").deepCopy();
        return new Sample("golden", arrays(c.get("inputs")), attrs.put("op", c.get("op").asText()));
    }

    private void checkGolden(JsonNode c) {
        Map<String, Array> cotangents = arrays(c.get("cotangents"));
        Map<String, Array> grads = arrays(c.get("grads"));
        try (Device device = new CpuDevice(1, -1)) {
            Result r = execute(device, sample(c), cotangents, grads.keySet(), false);
            arrays(c.get("outputs")).forEach((name, wanted) -> close("out." + name, r.out.get(name), wanted, noise(c, "out." + name, wanted)));
            grads.forEach((name, wanted) -> close("grad." + name, r.grad.get(name), wanted, noise(c, "grad." + name, wanted)));
        }
    }

    /**
     * Eight times the rounding noise that fp32 shows against fp64 on the same inputs, and never below a few ulp of the scale.
     * Where none was recorded: three times the noise of cases like it (6e-7 of the largest value).
     */
    static double noise(JsonNode c, String tensor, Array wanted) {
        JsonNode n = c.path("fp32_vs_fp64").path(tensor);
        return n.isMissingNode() ? 2e-6 * scale(wanted) : 8 * number(n.get(0)) + 4e-7 * number(n.get(1));
    }

    private static double number(JsonNode n) {
        return n.isTextual() ? Double.parseDouble(n.asText()) : n.asDouble();
    }

    static Map<String, Array> arrays(JsonNode names) {
        Map<String, Array> out = new LinkedHashMap<>();
        if (names != null) {
            names.properties().forEach(e -> out.put(e.getKey(), golden().array(e.getValue().asText())));
        }
        return out;
    }

    @TestFactory
    Stream<DynamicTest> reference_in_float64() {
        return forEachSample((device, s) -> {
            Result r = execute(device, s, cotangents(s), differentiable(), false);
            reference(s.in, s.attrs).forEach((name, wanted) -> close(name, r.out.get(name), wanted, tolerance() * (1 + scale(wanted))));
        });
    }

    @TestFactory
    Stream<DynamicTest> gradient_by_central_differences() {
        return forEachSample((device, s) -> {
            Map<String, Array> cotangents = cotangents(s);
            Result r = execute(device, s, cotangents, differentiable(), false);
            for (String name : differentiable()) {
                if (s.in.containsKey(name)) {
                    Array wanted = numericGradient(s, name, cotangents);
                    close("grad." + name, r.grad.get(name), wanted, GRADIENT_TOLERANCE * (1 + scale(wanted)));
                }
            }
        });
    }

    /** Every element of one input moved both ways; inputs are small. */
    private Array numericGradient(Sample s, String name, Map<String, Array> cotangents) {
        double h = 1e-6;
        Array x = s.in.get(name);
        Array grad = Array.zeros(x.shape());
        for (int i = 0; i < x.values().length; i++) {
            double[] sides = new double[2];
            for (int side = 0; side < 2; side++) {
                Map<String, Array> moved = new LinkedHashMap<>(s.in);
                Array copy = x.copy();
                copy.values()[i] += side == 0 ? -h : h;
                moved.put(name, copy);
                for (Map.Entry<String, Array> out : reference(moved, s.attrs).entrySet()) {
                    Array dy = cotangents.get(out.getKey());
                    for (int k = 0; dy != null && k < dy.values().length; k++) {
                        sides[side] += dy.values()[k] * out.getValue().values()[k];
                    }
                }
            }
            grad.values()[i] = (sides[1] - sides[0]) / (2 * h);
        }
        return grad;
    }

    @TestFactory
    Stream<DynamicTest> strided_views_give_the_same_bits() {
        return forEachSample((device, s) -> {
            Map<String, Array> cotangents = cotangents(s);
            sameBits(execute(device, s, cotangents, differentiable(), false), execute(device, s, cotangents, differentiable(), true));
        });
    }

    @TestFactory
    Stream<DynamicTest> any_number_of_threads_gives_the_same_bits() {
        return forEachSample((device, s) -> {
            Map<String, Array> cotangents = cotangents(s);
            try (Device three = new CpuDevice(3, -1)) {
                sameBits(execute(device, s, cotangents, differentiable(), false), execute(three, s, cotangents, differentiable(), false));
            }
        });
    }

    /** The samples in blocks of one warp and of eight; the recorded cases, whose rows are longer, in blocks of two. */
    @TestFactory
    Stream<DynamicTest> emulated_blocks_in_any_order() {
        Stream<DynamicTest> small = samples(new Random(7)).stream().flatMap(s -> Stream.of(32, 256).map(threads ->
                DynamicTest.dynamicTest(s.name + ", blocks of " + threads, () -> checkEmulated(s, cotangents(s), differentiable(), threads))));
        Stream<DynamicTest> recorded = goldenCases().map(c -> DynamicTest.dynamicTest(c.get("case").asText(), () -> checkEmulated(
                sample(c), arrays(c.get("cotangents")), arrays(c.get("grads")).keySet(), 64)));
        return Stream.concat(small, recorded);
    }

    /** Against the CPU device within rounding, since sums are taken in another order; between orders of threads to the bit. */
    private void checkEmulated(Sample s, Map<String, Array> cotangents, Set<String> grads, int threads) {
        assumeTrue(EmulatedDevice.isBuilt(), "no emulated kernels: native/build.sh makes them");
        Result first = null;
        for (Schedule schedule : Schedule.all(threads)) {
            try (Device device = new EmulatedDevice(schedule)) {
                Result r = execute(device, s, cotangents, grads, false);
                assertThat(device.memory().inUse()).as("bytes still held").isZero();
                if (first == null) {
                    first = r;
                } else {
                    sameBits(first, r);
                }
            }
        }
        try (Device device = new CpuDevice(1, -1)) {
            Result cpu = execute(device, s, cotangents, grads, false);
            Result emulated = first;
            cpu.out.forEach((name, wanted) -> close(name, emulated.out.get(name), wanted, tolerance() * (1 + scale(wanted))));
            cpu.grad.forEach((name, wanted) ->
                    close("grad." + name, emulated.grad.get(name), wanted, GRADIENT_TOLERANCE * (1 + scale(wanted))));
        }
    }

    /**
     * In bf16, from inputs that it holds exactly: outputs against the float64 reference, gradients against those in fp32; and in
     * blocks of threads, where sums in another order may end on the other side of a rounding.
     */
    @TestFactory
    Stream<DynamicTest> in_bf16() {
        return !bf16() ? Stream.empty() : samples(new Random(7)).stream().map(OpSpec::rounded)
                .map(s -> DynamicTest.dynamicTest(s.name, () -> checkBf16(s)));
    }

    static Sample rounded(Sample s) {
        Map<String, Array> in = new LinkedHashMap<>();
        s.in.forEach((name, a) -> in.put(name, Bf16.round(a)));
        return new Sample(s.name, in, s.attrs);
    }

    private void checkBf16(Sample s) {
        Map<String, Array> cotangents = cotangents(s);
        cotangents.replaceAll((_, dy) -> Bf16.round(dy));
        Result r;
        try (Device device = new Bf16Device(new CpuDevice(1, -1))) {
            r = execute(device, s, cotangents, differentiable(), false, DType.BF16);
            sameBits(r, execute(device, s, cotangents, differentiable(), true, DType.BF16));
            assertThat(device.memory().inUse()).as("bytes still held").isZero();
        }
        try (Device device = new CpuDevice(1, -1)) {
            Map<String, Array> grads = execute(device, s, cotangents, differentiable(), false).grad;
            reference(s.in, s.attrs).forEach((name, wanted) -> close(name, r.out.get(name), wanted, bf16Allowed(wanted, tolerance())));
            grads.forEach((name, wanted) -> close("grad." + name, r.grad.get(name), wanted, bf16Allowed(wanted, GRADIENT_TOLERANCE)));
        }
        if (EmulatedDevice.isBuilt()) {
            for (Schedule schedule : Schedule.all(64)) {
                try (Device device = new Bf16Device(new EmulatedDevice(schedule))) {
                    Result emulated = execute(device, s, cotangents, differentiable(), false, DType.BF16);
                    r.out.forEach((name, wanted) -> close(name, emulated.out.get(name), wanted, bf16Allowed(wanted, tolerance())));
                    r.grad.forEach((name, wanted) -> close("grad." + name, emulated.grad.get(name), wanted, bf16Allowed(wanted, GRADIENT_TOLERANCE)));
                }
            }
        }
    }

    /** @param fp32 what is allowed in fp32 */
    private double bf16Allowed(Array wanted, double fp32) {
        return bf16Tolerance() * scale(wanted) + fp32;
    }

    /** The CUDA device with everything below it stood in for: the samples, in bf16 too where the op has it, and the recorded cases. */
    @TestFactory
    Stream<DynamicTest> on_the_cuda_device_without_a_gpu() {
        Stream<DynamicTest> small = samples(new Random(7)).stream().map(s -> DynamicTest.dynamicTest(s.name, () -> {
            checkCuda(s, cotangents(s), differentiable(), DType.F32);
            if (bf16()) {
                Sample rounded = rounded(s);
                Map<String, Array> cotangents = cotangents(rounded);
                cotangents.replaceAll((_, dy) -> Bf16.round(dy));
                checkCuda(rounded, cotangents, differentiable(), DType.BF16);
            }
        }));
        Stream<DynamicTest> recorded = goldenCases().map(c -> DynamicTest.dynamicTest(c.get("case").asText(), () -> checkCuda(
                sample(c), arrays(c.get("cotangents")), arrays(c.get("grads")).keySet(), DType.F32)));
        return Stream.concat(small, recorded);
    }

    /** Against the CPU device: kernels are the same, products may be cut in other ways, and bf16 is rounded where they are cut. */
    private void checkCuda(Sample s, Map<String, Array> cotangents, Set<String> grads, DType compute) {
        try (Device cuda = NullGpu.lateDevice(); Device cpu = compute == DType.BF16 ? new Bf16Device(new CpuDevice(1, -1)) : new CpuDevice(1, -1)) {
            Result got = execute(cuda, s, cotangents, grads, false, compute);
            assertThat(cuda.memory().inUse()).as("bytes still held").isZero();
            Result wanted = execute(cpu, s, cotangents, grads, false, compute);
            double rounding = compute == DType.BF16 ? bf16Tolerance() : 0;
            wanted.out.forEach((name, w) -> close(name, got.out.get(name), w, rounding * scale(w) + tolerance() * (1 + scale(w))));
            wanted.grad.forEach((name, w) -> close("grad." + name, got.grad.get(name), w, rounding * scale(w) + GRADIENT_TOLERANCE * (1 + scale(w))));
        }
    }

    // Machinery

    protected record Result(Map<String, Array> out, Map<String, Array> grad) {}

    private Stream<DynamicTest> forEachSample(BiConsumer<Device, Sample> check) {
        return samples(new Random(7)).stream().map(s -> DynamicTest.dynamicTest(s.name, () -> {
            try (Device device = new CpuDevice(1, -1)) {
                check.accept(device, s);
                assertThat(device.memory().inUse()).as("bytes still held").isZero();
            }
        }));
    }

    final Map<String, Array> cotangents(Sample s) {
        Random random = new Random(11);
        Map<String, Array> dy = new LinkedHashMap<>();
        reference(s.in, s.attrs).forEach((name, y) -> dy.put(name, Array.normal(random, y.shape())));
        return dy;
    }

    /** Forward and backward; an output without a cotangent takes no part in backward. */
    protected final Result execute(Device device, Sample s, Map<String, Array> cotangents, Set<String> grads, boolean strided) {
        return execute(device, s, cotangents, grads, strided, DType.F32);
    }

    /** @param compute type the tape computes in */
    protected final Result execute(Device device, Sample s, Map<String, Array> cotangents, Set<String> grads, boolean strided, DType compute) {
        List<Tensor> owned = new ArrayList<>();
        Map<String, Variable> in = new LinkedHashMap<>();
        s.in.forEach((name, a) -> {
            DType type = fp32Inputs().contains(name) ? DType.F32 : compute;
            Tensor t = strided ? stridedTensor(device, type, a) : tensor(device, type, a.floats(), a.shape());
            owned.add(t);
            in.put(name, grads.contains(name) ? Variable.leaf(t) : Variable.constant(t));
        });
        Map<String, Array> out = new LinkedHashMap<>();
        Map<String, Array> grad = new LinkedHashMap<>();
        try (Tape tape = Tape.training(device, new Rng(5), compute)) {
            Map<String, Variable> y = run(tape, in, s.attrs);
            List<Variable> roots = new ArrayList<>();
            List<Tensor> seeds = new ArrayList<>();
            y.forEach((name, v) -> {
                assertThat(v.value().dtype()).as("type of " + name).isEqualTo(fp32Outputs().contains(name) ? DType.F32 : compute);
                out.put(name, array(v.value()));
                if (cotangents.containsKey(name) && v.requiresGrad()) {
                    Array dy = cotangents.get(name);
                    roots.add(v);
                    seeds.add(tape.scope().hold(tensor(device, v.value().dtype(), dy.floats(), v.shape().toArray())));
                }
            });
            tape.backward(roots, seeds, (a, b) -> Add.sum(tape, a, b), _ -> {});
            for (String name : grads) {
                if (in.containsKey(name)) {
                    Tensor g = in.get(name).grad();
                    grad.put(name, g == null ? Array.zeros(s.in.get(name).shape()) : array(g));
                    in.get(name).clearGradient();
                }
            }
        }
        owned.forEach(Tensor::release);
        return new Result(out, grad);
    }

    /** A new tensor, F32 or BF16. */
    private static Tensor tensor(Device device, DType type, float[] values, long... shape) {
        return type == DType.BF16 ? Bf16.tensor(device, values, shape) : Tensor.of(device, values, shape);
    }

    /** The same values with the axes laid out in reverse and a gap after the outermost. */
    private static Tensor stridedTensor(Device device, DType type, Array a) {
        int rank = a.shape().length;
        if (rank == 0) {
            return tensor(device, type, a.floats());
        }
        long[] reversed = new long[rank];
        int[] axes = new int[rank];
        for (int i = 0; i < rank; i++) {
            reversed[i] = a.shape()[rank - 1 - i];
            axes[i] = rank - 1 - i;
        }
        reversed[rank - 1] += 1;
        float[] buffer = new float[(int) Arrays.stream(reversed).reduce(1, (p, q) -> p * q)];
        long[] steps = new long[rank];
        long step = 1;
        for (int i = rank - 1; i >= 0; i--) {
            steps[rank - 1 - i] = step;
            step *= reversed[i];
        }
        for (int i = 0; i < a.values().length; i++) {
            long rest = i;
            long at = 0;
            for (int axis = rank - 1; axis >= 0; axis--) {
                at += rest % a.shape()[axis] * steps[axis];
                rest /= a.shape()[axis];
            }
            buffer[(int) at] = (float) a.values()[i];
        }
        return tensor(device, type, buffer, reversed).narrow(rank - 1, 0, reversed[rank - 1] - 1).permute(axes);
    }

    protected static Array array(Tensor t) {
        float[] f = Bf16.floats(t);
        double[] v = new double[f.length];
        for (int i = 0; i < v.length; i++) {
            v[i] = f[i];
        }
        return new Array(v, t.shape().toArray());
    }

    /** An fp32 variable that stands for integers, as an I32 tensor owned by the tape's scope. */
    protected static Tensor ints(Tape tape, Variable v) {
        float[] f = Permute.dense(tape, v).value().toFloats();
        int[] i = new int[f.length];
        Arrays.setAll(i, k -> (int) f[k]);
        Tensor t = tape.scope().empty(DType.I32, v.shape());
        t.set(i);
        return t;
    }

    /** I32 (n): 0, 1, 2, … */
    protected static Tensor identity(Tape tape, long n) {
        int[] i = new int[Math.toIntExact(n)];
        Arrays.setAll(i, k -> k);
        return tape.ints(i);
    }

    protected static double scale(Array a) {
        return Arrays.stream(a.values()).map(Math::abs).filter(Double::isFinite).max().orElse(0);
    }

    protected static void close(String what, Array got, Array wanted, double allowed) {
        assertThat(got).as(what).isNotNull();
        assertThat(got.values().length).as(what + " has " + Arrays.toString(got.shape())).isEqualTo(wanted.values().length);
        for (int i = 0; i < wanted.values().length; i++) {
            double w = wanted.values()[i];
            double g = got.values()[i];
            boolean same = Double.isFinite(w) ? Math.abs(w - g) <= allowed : Double.compare(w, g) == 0;
            if (!same) {
                throw new AssertionError(what + "[" + i + "] of " + Arrays.toString(wanted.shape()) + " = " + g + ", wanted " + w
                        + " within " + allowed);
            }
        }
    }

    private static void sameBits(Result a, Result b) {
        a.out.forEach((name, v) -> assertThat(b.out.get(name).values()).as(name).containsExactly(v.values()));
        a.grad.forEach((name, v) -> assertThat(b.grad.get(name).values()).as("grad." + name).containsExactly(v.values()));
    }
}
