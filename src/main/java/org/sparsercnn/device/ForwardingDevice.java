package org.sparsercnn.device;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** A device that hands every call to another; who watches or changes some of them overrides these. */
public abstract class ForwardingDevice implements Device {
    protected final Device device;

    protected ForwardingDevice(Device device) {
        this.device = device;
    }

    @Override
    public String name() {
        return device.name();
    }

    @Override
    public boolean runsBehind() {
        return device.runsBehind();
    }

    @Override
    public Buffer allocate(long bytes) {
        return device.allocate(bytes);
    }

    @Override
    public void free(Buffer buffer) {
        device.free(buffer);
    }

    @Override
    public MemoryUse memory() {
        return device.memory();
    }

    @Override
    public void copyIn(MemorySegment host, Pointer to) {
        device.copyIn(host, to);
    }

    @Override
    public void copyOut(Pointer from, MemorySegment host) {
        device.copyOut(from, host);
    }

    @Override
    public void copy(Pointer from, Pointer to, long bytes) {
        device.copy(from, to, bytes);
    }

    @Override
    public void zero(Pointer target, long bytes) {
        device.zero(target, bytes);
    }

    @Override
    public Readback read(Pointer from, long bytes) {
        return device.read(from, bytes);
    }

    @Override
    public boolean has(Kernel kernel) {
        return device.has(kernel);
    }

    @Override
    public boolean computesIn(DType type) {
        return device.computesIn(type);
    }

    @Override
    public Launch kernel(Kernel kernel) {
        return device.kernel(kernel);
    }

    @Override
    public void gemm(Gemm gemm) {
        device.gemm(gemm);
    }

    @Override
    public void convolution(Convolution shape, Pointer x, Pointer w, Epilogue epilogue, Pointer y) {
        device.convolution(shape, x, w, epilogue, y);
    }

    @Override
    public void convolutionBackwardData(Convolution shape, Pointer dy, Pointer w, Pointer dx) {
        device.convolutionBackwardData(shape, dy, w, dx);
    }

    @Override
    public void convolutionBackwardWeight(Convolution shape, Pointer x, Pointer dy, Pointer dw) {
        device.convolutionBackwardWeight(shape, x, dy, dw);
    }

    @Override
    public Optional<Recording> record(Runnable work) {
        return device.record(work);
    }

    @Override
    public Optional<DeviceHealth> health() {
        return device.health();
    }

    @Override
    public void synchronize() {
        device.synchronize();
    }

    @Override
    public void close() {
        device.close();
    }
}
