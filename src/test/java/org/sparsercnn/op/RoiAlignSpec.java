package org.sparsercnn.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.ForwardingDevice;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Launch;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.kernels.EmulatedDevice;
import org.sparsercnn.kernels.Schedule;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;
import org.sparsercnn.testing.Bf16;
import org.sparsercnn.testing.Golden;

class RoiAlignSpec extends OpSpec {
    private static final List<String> LEVELS = List.of("p2", "p3", "p4", "p5");
    private static final RoiAlign.Settings PYRAMID = new RoiAlign.Settings(7, 2, true, List.of(4, 8, 16, 32));

    @Override
    protected Set<String> goldenOps() {
        return Set.of("roi_align", "roi_pooler", "assign_boxes_to_levels");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("x", "p2", "p3", "p4", "p5");
    }

    @Override
    protected boolean bf16() {
        return true;
    }

    @Override
    protected Set<String> fp32Inputs() {
        return Set.of("boxes", "image");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return switch (attrs.path("op").asText()) {
            case "assign_boxes_to_levels" -> Map.of("levels", levels(tape, in.get("boxes").value(), PYRAMID));
            case "roi_align" -> Map.of("y", single(tape, in.get("x"), in.get("rois"), attrs));
            case "roi_pooler" -> {
                List<Variable> levels = LEVELS.stream().map(p -> Permute.apply(tape, in.get(p), 0, 2, 3, 1)).toList();
                yield Map.of("y", nchw(tape, RoiAlign.apply(tape, levels, in.get("boxes").value(), PYRAMID)));
            }
            default -> {
                List<Variable> levels = LEVELS.stream().filter(in::containsKey).map(in::get).toList();
                Tensor boxes = Permute.dense(tape, in.get("boxes")).value();
                Tensor image = in.containsKey("image") ? ints(tape, in.get("image")) : null;
                Map<String, Variable> outputs = new LinkedHashMap<>();
                for (String y : outputs(attrs)) {
                    outputs.put(y, RoiAlign.apply(tape, levels, boxes, image, settings(attrs)));
                }
                yield outputs;
            }
        };
    }

    /** Two stages may pool from the same pyramid. */
    private static List<String> outputs(JsonNode attrs) {
        return attrs.path("twice").asBoolean() ? List.of("y", "again") : List.of("y");
    }

    /** The recorded rois are (image, x0, y0, x1, y1) in any order. */
    private static Variable single(Tape tape, Variable x, Variable rois, JsonNode attrs) {
        Tensor image = ints(tape, Variable.constant(rois.value().narrow(1, 0, 1)));
        Tensor boxes = Permute.copy(tape, rois.value().narrow(1, 1, 4));
        var settings = new RoiAlign.Settings(attrs.get("output").get(0).asInt(), attrs.get("sampling_ratio").asInt(),
                attrs.get("aligned").asBoolean(), List.of((int) (1 / attrs.get("spatial_scale").asDouble())));
        return nchw(tape, RoiAlign.apply(tape, List.of(Permute.apply(tape, x, 0, 2, 3, 1)), boxes, image, settings));
    }

    private static Variable nchw(Tape tape, Variable y) {
        return Permute.apply(tape, y, 0, 3, 1, 2);
    }

    private static Variable levels(Tape tape, Tensor boxes, RoiAlign.Settings settings) {
        int[] levels = RoiAlign.levels(tape, boxes, settings).toInts();
        Tensor y = tape.empty(levels.length);
        float[] f = new float[levels.length];
        for (int i = 0; i < f.length; i++) {
            f[i] = levels[i];
        }
        y.set(f);
        return Variable.constant(y);
    }

    private static RoiAlign.Settings settings(JsonNode attrs) {
        List<Integer> strides = new ArrayList<>();
        attrs.get("strides").forEach(s -> strides.add(s.asInt()));
        return new RoiAlign.Settings(attrs.get("output").asInt(), attrs.get("sampling").asInt(), attrs.get("aligned").asBoolean(), strides);
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        RoiAlign.Settings s = settings(attrs);
        int rois = in.get("boxes").values().length / 4;
        int images = in.get("p2").size(0);
        int channels = in.get("p2").size(3);
        Array y = Array.zeros(rois, s.output(), s.output(), channels);
        for (int roi = 0; roi < rois; roi++) {
            double[] box = Arrays.copyOfRange(in.get("boxes").values(), 4 * roi, 4 * roi + 4);
            double size = Math.sqrt((box[2] - box[0]) * (box[3] - box[1]));
            int level = s.strides().size() == 1 ? 0
                    : (int) Math.clamp(Math.floor(4 + Math.log(size / 224 + 1e-8) / Math.log(2)) - s.minLevel(), 0, s.strides().size() - 1);
            int image = in.containsKey("image") ? (int) in.get("image").values()[roi] : roi / (rois / images);
            Array x = in.get(LEVELS.get(level));
            double stride = s.strides().get(level);
            double offset = s.aligned() ? 0.5 : 0;
            double[] start = {box[1] / stride - offset, box[0] / stride - offset};
            double[] length = {(box[3] - box[1]) / stride, (box[2] - box[0]) / stride};
            int[] grid = new int[2];
            for (int axis = 0; axis < 2; axis++) {
                length[axis] = s.aligned() ? length[axis] : Math.max(length[axis], 1);
                grid[axis] = s.samplingRatio() > 0 ? s.samplingRatio() : (int) Math.ceil(length[axis] / s.output());
            }
            for (int at = 0; at < s.output() * s.output() * grid[0] * grid[1]; at++) {
                int bin = at / (grid[0] * grid[1]);
                double py = position(start[0], length[0] / s.output(), bin / s.output(), at / grid[1] % grid[0], grid[0]);
                double px = position(start[1], length[1] / s.output(), bin % s.output(), at % grid[1], grid[1]);
                if (py >= -1 && py <= x.size(1) && px >= -1 && px <= x.size(2)) {
                    for (int c = 0; c < channels; c++) {
                        y.values()[(roi * s.output() * s.output() + bin) * channels + c] +=
                                bilinear(x, image, py, px, c) / (grid[0] * grid[1]);
                    }
                }
            }
        }
        return outputs(attrs).stream().collect(Collectors.toMap(name -> name, _ -> y));
    }

    private static double position(double start, double bin, int index, int sample, int grid) {
        return start + bin * (index + (sample + 0.5) / grid);
    }

    private static double bilinear(Array x, int image, double py, double px, int c) {
        double sum = 0;
        double cy = Math.clamp(py, 0, x.size(1) - 1);
        double cx = Math.clamp(px, 0, x.size(2) - 1);
        for (int row = (int) cy; row <= Math.min((int) cy + 1, x.size(1) - 1); row++) {
            for (int col = (int) cx; col <= Math.min((int) cx + 1, x.size(2) - 1); col++) {
                sum += (1 - Math.abs(cy - row)) * (1 - Math.abs(cx - col))
                        * x.values()[((image * x.size(1) + row) * x.size(2) + col) * x.size(3) + c];
            }
        }
        return sum;
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(
                sample(r, "one level", "{'strides': [8], 'output': 2, 'sampling': 2, 'aligned': true}", 1, 5, 3, 60, 0, 1, 1, 0, 1),
                sample(r, "adaptive", "{'strides': [8], 'output': 2, 'sampling': 0, 'aligned': true}", 1, 5, 2, 60),
                sample(r, "not aligned", "{'strides': [8], 'output': 3, 'sampling': 2, 'aligned': false}", 1, 4, 1, 60),
                sample(r, "pyramid", "{'strides': [4, 8, 16, 32], 'output': 2, 'sampling': 2, 'aligned': true}", 4, 6, 3, 600),
                sample(r, "two levels", "{'strides': [16, 32], 'output': 1, 'sampling': 1, 'aligned': true}", 2, 3, 17, 600),
                sample(r, "no boxes", "{'strides': [4, 8], 'output': 2, 'sampling': 2, 'aligned': true}", 2, 0, 2, 60),
                sample(r, "16 bytes at a time", "{'strides': [4, 8, 16, 32], 'output': 3, 'sampling': 2, 'aligned': true}", 4, 3, 8, 600),
                sample(r, "many channels", "{'strides': [8], 'output': 1, 'sampling': 1, 'aligned': true}", 1, 1, 517, 60, 0));
    }

    /**
     * The kernels for GPUs, backward by atomic additions, whose order is the schedule's: against the portable ones. Bins take 1 to
     * 128 threads, among them numbers that leave some of the block idle. The second use of the pyramid adds to what the first left.
     */
    @ParameterizedTest
    @CsvSource({"1, 8, 2", "2, 24, 3", "4, 72, 3", "1, 256, 2", "1, 512, 1"})
    void by16BytesAThread(int levels, int channels, int output) {
        assumeTrue(EmulatedDevice.isBuilt(), "no emulated kernels: native/build.sh makes them");
        String attrs = "{'strides': %s, 'output': %d, 'sampling': 2, 'aligned': true, 'twice': true}"
                .formatted(List.of(4, 8, 16, 32).subList(0, levels), output);
        Sample s = sample(new Random(9), "", attrs, levels, 2, channels, levels == 1 ? 60 : 600);
        s.in().replaceAll((_, a) -> Bf16.round(a));
        Map<String, Array> cotangents = cotangents(s);
        cotangents.replaceAll((_, a) -> Bf16.round(a));
        Result wanted;
        try (Device device = new CpuDevice(1, -1)) {
            wanted = execute(device, s, cotangents, differentiable(), false);
        }
        for (DType type : List.of(DType.F32, DType.BF16)) {
            Map<String, Array> outputs = null;
            for (Schedule schedule : Schedule.all(128)) {
                Set<String> launched = new TreeSet<>();
                try (Device device = new Watched(new EmulatedDevice(schedule, false), launched)) {
                    Result r = execute(device, s, cotangents, differentiable(), false, type);
                    double rounding = type == DType.BF16 ? 0x1p-8 : 0;
                    wanted.out().forEach((name, a) -> close(name, r.out().get(name), a, (rounding + 3e-6) * scale(a)));
                    // Two gradients of bf16 are rounded each, and their sum.
                    double allowed = 2 * rounding + GRADIENT_TOLERANCE;
                    wanted.grad().forEach((name, a) -> close("grad." + name, r.grad().get(name), a, allowed * scale(a)));
                    outputs = outputs == null ? r.out() : outputs;
                    outputs.forEach((name, a) -> assertThat(r.out().get(name).values()).as(name + ", " + schedule).containsExactly(a.values()));
                }
                String ending = type == DType.BF16 ? "_bf16" : "_f32";
                assertThat(launched).contains("roi_align_fwd_vector" + ending, "roi_align_bwd_atomic" + ending)
                        .doesNotContain("roi_align_fwd" + ending, "roi_align_bwd" + ending);
            }
        }
    }

    /** Notes the kernels that are launched. */
    private static final class Watched extends ForwardingDevice {
        private final Set<String> launched;

        Watched(Device device, Set<String> launched) {
            super(device);
            this.launched = launched;
        }

        @Override
        public Launch kernel(Kernel kernel) {
            launched.add(kernel.name());
            return super.kernel(kernel);
        }
    }

    /** Two images; boxes of {@code spread} pixels, also partly outside. */
    private static Sample sample(Random r, String name, String attrs, int levels, int perImage, int channels, double spread, double... image) {
        List<Object> in = new ArrayList<>();
        for (int i = 0; i < levels; i++) {
            in.addAll(List.of(LEVELS.get(i), Array.normal(r, 2, Math.max(9 >> i, 1), Math.max(7 >> i, 1), channels)));
        }
        long boxes = image.length > 0 ? image.length : 2L * perImage;
        Array corners = Array.uniform(r, -spread / 4, spread / 2, boxes, 4);
        for (int i = 0; i < corners.values().length; i += 4) {
            for (int axis = 0; axis < 2; axis++) {
                corners.values()[i + 2 + axis] = (float) (corners.values()[i + axis] + spread * (0.02 + r.nextDouble()));
            }
        }
        in.addAll(List.of("boxes", image.length > 0 ? corners : new Array(corners.values(), 2, perImage, 4)));
        if (image.length > 0) {
            in.addAll(List.of("image", new Array(image, image.length)));
        }
        return Sample.of(name, attrs, in.toArray());
    }

    /**
     * A sample within an ulp of -1, where the value jumps: its noise tells nothing, so the general check lets anything pass. Ours
     * rounds as torchvision does.
     */
    @Test
    void samplesOnTheBorderRoundAsPublished() {
        Golden golden = Golden.load("ops");
        Map<String, Array> in = new LinkedHashMap<>();
        in.put("x", golden.array("roi_align_edge/in.x"));
        in.put("rois", golden.array("roi_align_edge/in.rois"));
        JsonNode attrs = Sample.of("", "{'output': [7, 7], 'spatial_scale': 0.125, 'sampling_ratio': 2, 'aligned': true}").attrs();
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            Map<String, Variable> variables = new LinkedHashMap<>();
            in.forEach((name, a) -> variables.put(name, Variable.constant(tape.scope().hold(Tensor.of(device, a.floats(), a.shape())))));
            close("y", array(single(tape, variables.get("x"), variables.get("rois"), attrs).value()), golden.array("roi_align_edge/out.y"), 1e-6);
        }
    }

    /** Inverted on one side or NaN: no level, and zeros; inverted on both: the level of its area; infinite: the coarsest. */
    @Test
    void degenerateBoxesHaveADefinedLevel() {
        float nan = Float.NaN;
        float inf = Float.POSITIVE_INFINITY;
        float[] boxes = {10, 10, 5, 20, 10, 10, 5, 5, nan, 0, 1, 1, 0, 0, inf, 5};
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            Tensor t = tape.scope().hold(Tensor.of(device, boxes, 1, 4, 4));
            assertThat(RoiAlign.levels(tape, t, PYRAMID).toInts()).containsExactly(-1, 0, -1, 3);
            List<Variable> pyramid = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                Tensor x = tape.empty(1, 16 >> i, 16 >> i, 2);
                float[] ones = new float[(int) x.elements()];
                Arrays.fill(ones, 1);
                x.set(ones);
                pyramid.add(Variable.constant(x));
            }
            for (int sampling : new int[] {2, 0}) {
                var settings = new RoiAlign.Settings(2, sampling, true, List.of(4, 8, 16, 32));
                double[] y = array(RoiAlign.apply(tape, pyramid, t, settings).value()).values();
                assertThat(Arrays.copyOfRange(y, 0, 8)).containsOnly(0);
                assertThat(Arrays.copyOfRange(y, 16, 24)).containsOnly(0);
                assertThat(y).doesNotContain(Double.NaN);
            }
        }
    }

    /** An adaptive grid on a wild box must not sample the empty plane: this returns at once or never. */
    @Test
    void aWildBoxDoesNotHangAnAdaptiveGrid() {
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            Tensor boxes = tape.scope().hold(Tensor.of(device, new float[] {-1e8f, -1e8f, 1e8f, 1e8f, 0, 0, 1e30f, 1e30f}, 1, 2, 4));
            Variable x = Variable.constant(tape.zeros(org.sparsercnn.tensor.Shape.of(1, 5, 6, 3)));
            Variable y = RoiAlign.apply(tape, List.of(x), boxes, new RoiAlign.Settings(2, 0, true, List.of(4)));
            assertThat(array(y.value()).values()).containsOnly(0);
        }
    }

    @Test
    void poolerAssignsThePublishedLevels() {
        Golden golden = Golden.load("ops");
        Array boxes = golden.array("roi_pooler/in.boxes");
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            Tensor t = tape.scope().hold(Tensor.of(device, boxes.floats(), boxes.shape()));
            close("levels", array(levels(tape, t, PYRAMID).value()), golden.array("roi_pooler/out.levels"), 0);
        }
    }
}
