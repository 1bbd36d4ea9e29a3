package org.sparsercnn.benchmarks;

import java.util.Arrays;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.sparsercnn.device.Convolution;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.tensor.Tensor;

/** Convolutions of the R50 backbone and pyramid for one image of 480x640, NHWC: filter/stride, channels, input size. */
public class ConvolutionBenchmark extends OnDevice {
    @Param({
        "7x7/2 3->64 480x640", // stem
        "1x1/1 64->256 120x160", // res2
        "3x3/1 64->64 120x160",
        "3x3/1 128->128 60x80", // res3
        "1x1/1 1024->256 30x40", // res4
        "3x3/1 256->256 30x40",
        "3x3/2 512->512 30x40", // res5
        "3x3/1 256->256 120x160" // p2's output, the dearest of all
    })
    public String layer;

    private Convolution shape;
    private Tensor x;
    private Tensor w;
    private Tensor y;

    @Override
    void make() {
        String[] part = layer.split("[x/ ]|->");
        long[] n = Arrays.stream(part).mapToLong(Long::parseLong).toArray();
        shape = new Convolution(1, n[5], n[6], n[3], n[4], n[0], n[1], n[2], n[0] / 2, DType.F32);
        x = noise(1, shape.h(), shape.w(), shape.ci());
        w = noise(shape.co(), shape.kh(), shape.kw(), shape.ci());
        y = noise(1, shape.oh(), shape.ow(), shape.co());
    }

    @Benchmark
    public void forward() {
        device.convolution(shape, x, w, Epilogue.NONE, y);
        device.synchronize();
    }

    @Benchmark
    public void backwardData() {
        device.convolutionBackwardData(shape, y, w, x);
        device.synchronize();
    }

    @Benchmark
    public void backwardWeight() {
        device.convolutionBackwardWeight(shape, x, y, w);
        device.synchronize();
    }
}
