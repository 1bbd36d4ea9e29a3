package org.sparsercnn.ffi.jcuda;

import static jcuda.driver.JCudaDriver.*;
import static org.sparsercnn.ffi.jcuda.NativePointers.addressOf;
import static org.sparsercnn.ffi.jcuda.NativePointers.at;

import java.lang.foreign.MemorySegment;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;
import org.sparsercnn.ffi.cuda.CudaDriver;
import org.sparsercnn.ffi.cuda.CudaException;

/**
 * The driver API through JCuda 12.6, which speaks of handles as objects. Each thread has one object per kind and argument, whose
 * address is set before the call, so that launches and copies allocate nothing.
 */
public final class JCudaDriver implements CudaDriver {
    private static final int OUT_OF_MEMORY = 2;
    private static final int NOT_FOUND = 500;
    private static final int NOT_READY = 600;
    private static final int STREAM_NON_BLOCKING = 1;
    private static final int EVENT_DISABLE_TIMING = 2;
    private static final int CAPTURE_MODE_THREAD_LOCAL = 1;

    /** What the calls of one thread are made with. */
    private static final class Objects {
        final CUdevice device = new CUdevice();
        final CUcontext context = new CUcontext();
        final CUdeviceptr to = new CUdeviceptr();
        final CUdeviceptr from = new CUdeviceptr();
        final Pointer host = new Pointer();
        final CUstream stream = new CUstream();
        final CUevent event = new CUevent();
        final CUevent end = new CUevent();
        final CUmodule module = new CUmodule();
        final CUfunction function = new CUfunction();
        final CUgraph graph = new CUgraph();
        final CUgraphExec exec = new CUgraphExec();
        final int[] number = new int[1];
        final long[] bytes = new long[1];
        final long[] total = new long[1];
        final float[] milliseconds = new float[1];
    }

    private static final ThreadLocal<Objects> OBJECTS = ThreadLocal.withInitial(Objects::new);

    private final int version;

    /**
     * Initialises the driver; libcuda must be loaded, for JCuda looks for it on the loader's path alone.
     *
     * @throws org.sparsercnn.util.BadInput where JCuda's library is not there or cannot be loaded
     * @throws CudaException where the driver does not start
     */
    public JCudaDriver() {
        JCudaNatives.initialize(jcuda.driver.JCudaDriver.class, "JCudaDriver");
        check("cuInit", cuInit(0));
        Objects o = OBJECTS.get();
        check("cuDriverGetVersion", cuDriverGetVersion(o.number));
        version = o.number[0];
    }

    private static void check(String call, int status) {
        if (status != 0) throw failure(call, status);
    }

    private static CudaException failure(String call, int status) {
        String[] name = new String[1];
        String[] text = new String[1];
        boolean known = cuGetErrorName(status, name) == 0 && cuGetErrorString(status, text) == 0;
        return new CudaException("CUDA", call, status, known ? name[0] : "error " + status,
                known ? text[0] : "this driver has no words for it");
    }

    private static CUdevice device(Objects o, int ordinal) {
        check("cuDeviceGet", cuDeviceGet(o.device, ordinal));
        return o.device;
    }

    @Override
    public String binding() {
        return "jcuda";
    }

    @Override
    public int version() {
        return version;
    }

    @Override
    public int deviceCount() {
        Objects o = OBJECTS.get();
        check("cuDeviceGetCount", cuDeviceGetCount(o.number));
        return o.number[0];
    }

    @Override
    public String deviceName(int ordinal) {
        byte[] name = new byte[256];
        check("cuDeviceGetName", cuDeviceGetName(name, name.length, device(OBJECTS.get(), ordinal)));
        return MemorySegment.ofArray(name).getString(0);
    }

    @Override
    public String devicePciBusId(int ordinal) {
        String[] id = new String[1];
        check("cuDeviceGetPCIBusId", cuDeviceGetPCIBusId(id, 32, device(OBJECTS.get(), ordinal)));
        return id[0];
    }

    @Override
    public int deviceAttribute(int ordinal, int attribute) {
        Objects o = OBJECTS.get();
        check("cuDeviceGetAttribute", cuDeviceGetAttribute(o.number, attribute, device(o, ordinal)));
        return o.number[0];
    }

    @Override
    public long deviceTotalMemory(int ordinal) {
        Objects o = OBJECTS.get();
        check("cuDeviceTotalMem", cuDeviceTotalMem(o.total, device(o, ordinal)));
        return o.total[0];
    }

    @Override
    public long primaryContextRetain(int ordinal) {
        Objects o = OBJECTS.get();
        check("cuDevicePrimaryCtxRetain", cuDevicePrimaryCtxRetain(o.context, device(o, ordinal)));
        return addressOf(o.context);
    }

    @Override
    public void primaryContextRelease(int ordinal) {
        check("cuDevicePrimaryCtxRelease", cuDevicePrimaryCtxRelease(device(OBJECTS.get(), ordinal)));
    }

    @Override
    public void setCurrent(long context) {
        check("cuCtxSetCurrent", cuCtxSetCurrent(at(OBJECTS.get().context, context)));
    }

    @Override
    public void synchronizeContext() {
        check("cuCtxSynchronize", cuCtxSynchronize());
    }

    @Override
    public long memoryFree() {
        Objects o = OBJECTS.get();
        check("cuMemGetInfo", cuMemGetInfo(o.bytes, o.total));
        return o.bytes[0];
    }

    @Override
    public long memAlloc(long bytes) {
        Objects o = OBJECTS.get();
        int status = cuMemAlloc(o.to, bytes);
        if (status == OUT_OF_MEMORY) return 0;
        check("cuMemAlloc", status);
        return addressOf(o.to);
    }

    @Override
    public void memFree(long address) {
        check("cuMemFree", cuMemFree(at(OBJECTS.get().to, address)));
    }

    @Override
    public long hostAlloc(long bytes) {
        Pointer memory = new Pointer(); // JCuda hangs a buffer on it
        int status = cuMemHostAlloc(memory, bytes, 0);
        if (status == OUT_OF_MEMORY) return 0;
        check("cuMemHostAlloc", status);
        return addressOf(memory);
    }

    @Override
    public void hostFree(long address) {
        check("cuMemFreeHost", cuMemFreeHost(at(new Pointer(), address)));
    }

    @Override
    public void copyToDevice(long to, long host, long bytes, long stream) {
        Objects o = OBJECTS.get();
        check("cuMemcpyHtoDAsync", cuMemcpyHtoDAsync(at(o.to, to), at(o.host, host), bytes, at(o.stream, stream)));
    }

    @Override
    public void copyToHost(long host, long from, long bytes, long stream) {
        Objects o = OBJECTS.get();
        check("cuMemcpyDtoHAsync", cuMemcpyDtoHAsync(at(o.host, host), at(o.from, from), bytes, at(o.stream, stream)));
    }

    @Override
    public void copyOnDevice(long to, long from, long bytes, long stream) {
        Objects o = OBJECTS.get();
        check("cuMemcpyDtoDAsync", cuMemcpyDtoDAsync(at(o.to, to), at(o.from, from), bytes, at(o.stream, stream)));
    }

    @Override
    public void fill(long address, byte value, long bytes, long stream) {
        Objects o = OBJECTS.get();
        check("cuMemsetD8Async", cuMemsetD8Async(at(o.to, address), value, bytes, at(o.stream, stream)));
    }

    @Override
    public long streamCreate() {
        Objects o = OBJECTS.get();
        check("cuStreamCreate", cuStreamCreate(o.stream, STREAM_NON_BLOCKING));
        return addressOf(o.stream);
    }

    @Override
    public void streamDestroy(long stream) {
        check("cuStreamDestroy", cuStreamDestroy(at(OBJECTS.get().stream, stream)));
    }

    @Override
    public void streamSynchronize(long stream) {
        check("cuStreamSynchronize", cuStreamSynchronize(at(OBJECTS.get().stream, stream)));
    }

    @Override
    public void streamWaitEvent(long stream, long event) {
        Objects o = OBJECTS.get();
        check("cuStreamWaitEvent", cuStreamWaitEvent(at(o.stream, stream), at(o.event, event), 0));
    }

    @Override
    public long eventCreate(boolean timing) {
        Objects o = OBJECTS.get();
        check("cuEventCreate", cuEventCreate(o.event, timing ? 0 : EVENT_DISABLE_TIMING));
        return addressOf(o.event);
    }

    @Override
    public void eventDestroy(long event) {
        check("cuEventDestroy", cuEventDestroy(at(OBJECTS.get().event, event)));
    }

    @Override
    public void eventRecord(long event, long stream) {
        Objects o = OBJECTS.get();
        check("cuEventRecord", cuEventRecord(at(o.event, event), at(o.stream, stream)));
    }

    @Override
    public boolean eventQuery(long event) {
        int status = cuEventQuery(at(OBJECTS.get().event, event));
        if (status == NOT_READY) return false;
        check("cuEventQuery", status);
        return true;
    }

    @Override
    public void eventSynchronize(long event) {
        check("cuEventSynchronize", cuEventSynchronize(at(OBJECTS.get().event, event)));
    }

    @Override
    public float eventElapsed(long start, long end) {
        Objects o = OBJECTS.get();
        check("cuEventElapsedTime", cuEventElapsedTime(o.milliseconds, at(o.event, start), at(o.end, end)));
        return o.milliseconds[0];
    }

    @Override
    public long moduleLoad(MemorySegment image) {
        Objects o = OBJECTS.get();
        check("cuModuleLoadDataEx", cuModuleLoadDataEx(o.module, at(o.host, image.address()), 0, new int[0], new Pointer()));
        return addressOf(o.module);
    }

    @Override
    public void moduleUnload(long module) {
        check("cuModuleUnload", cuModuleUnload(at(OBJECTS.get().module, module)));
    }

    @Override
    public long moduleFunction(long module, String name) {
        Objects o = OBJECTS.get();
        int status = cuModuleGetFunction(o.function, at(o.module, module), name);
        if (status == NOT_FOUND) return 0;
        check("cuModuleGetFunction", status);
        return addressOf(o.function);
    }

    @Override
    public int functionAttribute(long function, int attribute) {
        Objects o = OBJECTS.get();
        check("cuFuncGetAttribute", cuFuncGetAttribute(o.number, attribute, at(o.function, function)));
        return o.number[0];
    }

    @Override
    public void functionSetAttribute(long function, int attribute, int value) {
        check("cuFuncSetAttribute", cuFuncSetAttribute(at(OBJECTS.get().function, function), attribute, value));
    }

    @Override
    public void launch(long function, int blocks, int threads, int sharedBytes, long stream, long parameters) {
        Objects o = OBJECTS.get();
        check("cuLaunchKernel", cuLaunchKernel(at(o.function, function), blocks, 1, 1, threads, 1, 1, sharedBytes, at(o.stream, stream),
                at(o.host, parameters), null));
    }

    @Override
    public void captureBegin(long stream) {
        check("cuStreamBeginCapture", cuStreamBeginCapture(at(OBJECTS.get().stream, stream), CAPTURE_MODE_THREAD_LOCAL));
    }

    @Override
    public long captureEnd(long stream) {
        Objects o = OBJECTS.get();
        check("cuStreamEndCapture", cuStreamEndCapture(at(o.stream, stream), o.graph));
        return addressOf(o.graph);
    }

    @Override
    public long graphInstantiate(long graph) {
        Objects o = OBJECTS.get();
        check("cuGraphInstantiate", cuGraphInstantiate(o.exec, at(o.graph, graph), 0));
        return addressOf(o.exec);
    }

    @Override
    public void graphDestroy(long graph) {
        check("cuGraphDestroy", cuGraphDestroy(at(OBJECTS.get().graph, graph)));
    }

    @Override
    public void graphExecDestroy(long exec) {
        check("cuGraphExecDestroy", cuGraphExecDestroy(at(OBJECTS.get().exec, exec)));
    }

    @Override
    public void graphLaunch(long exec, long stream) {
        Objects o = OBJECTS.get();
        check("cuGraphLaunch", cuGraphLaunch(at(o.exec, exec), at(o.stream, stream)));
    }
}
