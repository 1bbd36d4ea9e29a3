package org.sparsercnn.ffi.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparsercnn.ffi.cuda.CudaDnn.Fused;
import org.sparsercnn.ffi.cuda.CudaDnn.Kind;
import org.sparsercnn.ffi.cuda.CudaDnn.Problem;
import org.sparsercnn.ffi.cuda.CudnnDescriptor.Type;

/**
 * For developers: which engine NVIDIA's cuDNN (9.8 or newer) would run each convolution of the model with, on a GPU that need not be
 * here. It makes and finishes the very plans that {@link Cudnn} makes, for the properties of a described device. Engines that compile
 * at run time are missing where there is no driver.
 *
 * <p>{@code java -Dsparsercnn.cuda.path=FOLDERS -cp ... org.sparsercnn.ffi.cuda.CudnnSupport [workspace limit in MiB]}
 */
public final class CudnnSupport {
    private static final String PROPERTIES = """
            {"deviceVer":%d,"deviceName":"%s","multiProcessorCount":%d,"maxSharedMemoryPerBlockOptin":%d,"totalGlobalMem":%d,
            "smClockRateKHz":%d,"memClockRateKHz":%d,"l2CacheSize":%d,"smCountOrigin":0,"warpSize":32,"maxSharedMemoryPerBlock":49152,
            "reservedSharedMemoryPerBlock":1024,"maxRegistersPerSM":65536,"maxCtasPerSM":32,"maxThreadsPerBlock":1024,
            "maxThreadsPerSM":2048,"regsPerBlock":65536,"maxBlockSize":[1024,1024,64],"maxGridSize":[2147483647,65535,65535],
            "supportCoopLaunch":1,"pciDeviceId":0,"isTccDriver":0,"cudaDeviceId":0,"driverVer":13000}""";

    /** A convolution of the model as it is asked for in inference. */
    private record Layer(String name, long h, long w, long ci, long co, long k, long stride, boolean residual, boolean relu) {
        Problem problem(Kind kind, NumberType type) {
            boolean forward = kind == Kind.FORWARD;
            return new Problem(kind, 1, h, w, ci, co, k, k, stride, k / 2, type, forward, forward && residual, forward && relu);
        }
    }

    private CudnnSupport() {}

    public static void main(String[] args) {
        long limit = (args.length == 0 ? 256 : Long.parseLong(args[0])) << 20;
        var cudnn = new CudnnLibrary(CudaLibraries.ofThisMachine().require(CudaLibraries.Library.CUDNN));
        System.out.println("cuDNN " + cudnn.versionText());
        for (String device : List.of(
                PROPERTIES.formatted(900, "NVIDIA H200", 132, 232448, 150_000_000_000L, 1_980_000, 3_201_000, 62_914_560),
                PROPERTIES.formatted(800, "NVIDIA A100-SXM4-80GB", 108, 166912, 85_000_000_000L, 1_410_000, 1_593_000, 41_943_040))) {
            System.out.println(device.substring(0, device.indexOf(",\"multi")));
            try (var properties = new CudnnDescriptor(cudnn, Type.DEVICEPROP)) {
                properties.setText(CudnnAttribute.DEVICEPROP_JSON_REPRESENTATION, device).finish();
                table(new CudnnGraph(cudnn, new CudnnGraph.Target.Described(properties)), limit);
            }
        }
    }

    private static void table(CudnnGraph graph, long limit) {
        for (NumberType type : NumberType.values()) {
            for (Layer layer : layers()) {
                for (Kind kind : Kind.values()) {
                    Problem problem = layer.problem(kind, type);
                    System.out.printf("%-4s %-22s %-15s %-60s deterministic: %s%n", type, layer.name, kind,
                            chosen(graph, problem, limit, false), chosen(graph, problem, limit, true));
                }
            }
        }
    }

    private static String chosen(CudnnGraph graph, Problem problem, long limit, boolean deterministic) {
        for (Fused fused : List.of(Fused.ALL, Fused.BIAS, Fused.NONE)) {
            Optional<CudnnGraph.Chosen> chosen = graph.plan(problem, fused, limit, deterministic);
            if (chosen.isEmpty()) continue;
            try (var plan = chosen.get(); var again = graph.restore(json(plan))) {
                boolean same = again.workspace() == plan.workspace() && json(again).equals(json(plan));
                String note = same ? "" : " RESTORED DIFFERS";
                return "%s %s %d KiB%s".formatted(fused, plan.engine(), plan.workspace() + 1023 >> 10, note);
            }
        }
        return "-";
    }

    private static String json(CudnnGraph.Chosen plan) {
        return plan.plan().getText(CudnnAttribute.EXECUTION_PLAN_JSON_REPRESENTATION);
    }

    /** ResNet-50 with FPN on 800x1344; the heads have no convolutions. */
    private static List<Layer> layers() {
        List<Layer> layers = new ArrayList<>();
        layers.add(new Layer("stem", 800, 1344, 3, 64, 7, 2, false, true));
        layers.add(new Layer("res2.0.conv1", 200, 336, 64, 64, 1, 1, false, true));
        layers.add(new Layer("res2.0.shortcut", 200, 336, 64, 256, 1, 1, false, false));
        for (int stage = 2; stage <= 5; stage++) {
            long h = 800 >> stage;
            long w = 1344 >> stage;
            long in = 64L << stage;
            long inner = in / 4;
            if (stage > 2) {
                layers.add(new Layer("res" + stage + ".0.conv1", 2 * h, 2 * w, in / 2, inner, 1, 1, false, true));
                layers.add(new Layer("res" + stage + ".0.conv2", 2 * h, 2 * w, inner, inner, 3, 2, false, true));
                layers.add(new Layer("res" + stage + ".0.shortcut", 2 * h, 2 * w, in / 2, in, 1, 2, false, false));
            }
            layers.add(new Layer("res" + stage + ".1.conv1", h, w, in, inner, 1, 1, false, true));
            layers.add(new Layer("res" + stage + ".1.conv2", h, w, inner, inner, 3, 1, false, true));
            layers.add(new Layer("res" + stage + ".1.conv3", h, w, inner, in, 1, 1, true, true));
            layers.add(new Layer("fpn_lateral" + stage, h, w, in, 256, 1, 1, false, false));
            layers.add(new Layer("fpn_output" + stage, h, w, 256, 256, 3, 1, false, false));
        }
        return layers;
    }
}
