package org.sparsercnn.benchmarks;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.model.ImageBatch;
import org.sparsercnn.model.Initialization;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.tensor.Tensor;

/**
 * Times the published R50-100 model, doing the same work as {@code benchmarks/peer/bench_torch.py}: normalised tensor in, raw
 * logits and boxes out. Prints one line of JSON.
 *
 * <p>Arguments: {@code infer BATCH HEIGHTxWIDTH THREADS WARMUP REPEAT}.
 */
public final class EndToEnd {
    private EndToEnd() {}

    public static void main(String[] args) {
        String mode = args[0];
        int batch = Integer.parseInt(args[1]);
        int height = Integer.parseInt(args[2].split("x")[0]);
        int width = Integer.parseInt(args[2].split("x")[1]);
        int threads = Integer.parseInt(args[3]);
        int warmup = Integer.parseInt(args[4]);
        int repeat = Integer.parseInt(args[5]);
        Config config = Config.load(Path.of("configs/sparsercnn.res50.100pro.3x.yaml"), List.of());
        double[] millis = new double[repeat];
        try (Device device = new CpuDevice(threads, 0); SparseRcnn model = new SparseRcnn(device, config.model())) {
            Initialization.apply(model, 0);
            Random random = new Random(0);
            float[] pixels = new float[batch * height * width * 3];
            for (int i = 0; i < pixels.length; i++) {
                pixels[i] = (float) random.nextGaussian();
            }
            for (int i = -warmup; i < repeat; i++) {
                try (Tape tape = Tape.inference(device)) {
                    Tensor x = tape.empty(batch, height, width, 3);
                    x.set(pixels);
                    Tensor whwh = tape.empty(batch, 4);
                    float[] sizes = new float[4 * batch];
                    for (int k = 0; k < sizes.length; k++) {
                        sizes[k] = k % 2 == 0 ? width : height;
                    }
                    whwh.set(sizes);
                    long begin = System.nanoTime();
                    SparseRcnn.Stage last = model.apply(tape, new ImageBatch(Variable.constant(x), whwh)).getLast();
                    last.logits().value().toFloats();
                    last.boxesXyxyPx().value().toFloats();
                    if (i >= 0) {
                        millis[i] = (System.nanoTime() - begin) * 1e-6;
                    }
                }
            }
            System.err.println(device.memory());
        }
        Arrays.sort(millis);
        System.out.printf(Locale.ROOT, "{\"engine\": \"sparse-rcnn\", \"mode\": \"%s\", \"batch\": %d, \"size\": \"%s\", \"threads\": %d, \"median_ms\": %.1f, \"min_ms\": %.1f}%n",
                mode, batch, args[2], threads, millis[repeat / 2], millis[0]);
    }
}
