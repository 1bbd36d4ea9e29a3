package org.sparsercnn.testing;

import org.sparsercnn.device.Convolution;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.device.ForwardingDevice;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.Pointer;

/** A device on the host that computes in bf16 too: kernels are its own, products are {@link Bf16Products}. */
public final class Bf16Device extends ForwardingDevice {
    private final Bf16Products products;

    public Bf16Device(Device device) {
        super(device);
        this.products = new Bf16Products(device);
    }

    @Override
    public boolean computesIn(DType type) {
        return type == DType.F32 || type == DType.BF16;
    }

    @Override
    public void gemm(Gemm gemm) {
        products.gemm(gemm);
    }

    @Override
    public void convolution(Convolution shape, Pointer x, Pointer w, Epilogue epilogue, Pointer y) {
        products.convolution(shape, x, w, epilogue, y);
    }

    @Override
    public void convolutionBackwardData(Convolution shape, Pointer dy, Pointer w, Pointer dx) {
        products.convolutionBackwardData(shape, dy, w, dx);
    }

    @Override
    public void convolutionBackwardWeight(Convolution shape, Pointer x, Pointer dy, Pointer dw) {
        products.convolutionBackwardWeight(shape, x, dy, dw);
    }
}
