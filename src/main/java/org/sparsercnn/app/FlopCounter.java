package org.sparsercnn.app;

import java.util.Optional;
import org.sparsercnn.device.Convolution;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.device.ForwardingDevice;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Pointer;
import org.sparsercnn.device.Recording;

/**
 * Counts the floating-point operations of products and convolutions: two for each factor pair. Ops find none of the kernels that do
 * products of their own, so that all products are seen; a pass through this device takes longer than one without.
 */
final class FlopCounter extends ForwardingDevice {
    private double flop;

    FlopCounter(Device device) {
        super(device);
    }

    double flop() {
        return flop;
    }

    void reset() {
        flop = 0;
    }

    @Override
    public boolean has(Kernel kernel) {
        return false;
    }

    @Override
    public Optional<Recording> record(Runnable work) {
        return Optional.empty();
    }

    @Override
    public void gemm(Gemm g) {
        flop += 2.0 * g.m() * g.n() * g.k() * g.batch().countI() * g.batch().countJ();
        super.gemm(g);
    }

    private void count(Convolution s) {
        flop += 2.0 * s.n() * s.oh() * s.ow() * s.co() * s.kh() * s.kw() * s.ci();
    }

    @Override
    public void convolution(Convolution shape, Pointer x, Pointer w, Epilogue epilogue, Pointer y) {
        count(shape);
        super.convolution(shape, x, w, epilogue, y);
    }

    @Override
    public void convolutionBackwardData(Convolution shape, Pointer dy, Pointer w, Pointer dx) {
        count(shape);
        super.convolutionBackwardData(shape, dy, w, dx);
    }

    @Override
    public void convolutionBackwardWeight(Convolution shape, Pointer x, Pointer dy, Pointer dw) {
        count(shape);
        super.convolutionBackwardWeight(shape, x, dy, dw);
    }
}
