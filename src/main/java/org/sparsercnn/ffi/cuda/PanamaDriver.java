package org.sparsercnn.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.NoSuchElementException;
import org.sparsercnn.ffi.cuda.CudaLibraries.Library;
import org.sparsercnn.util.BadInput;

/** The driver API through the JDK's Foreign Function and Memory API. */
public final class PanamaDriver implements CudaDriver {
    private static final int OUT_OF_MEMORY = 2;
    private static final int NOT_FOUND = 500;
    private static final int NOT_READY = 600;
    private static final int STREAM_NON_BLOCKING = 1;
    private static final int EVENT_DISABLE_TIMING = 2;
    private static final int CAPTURE_MODE_THREAD_LOCAL = 1;

    /** The functions, in a class of their own: handles must be static and final to be fast, and libcuda is not always there. */
    private static final class Cu {
        private static final SymbolLookup LIBRARY = CudaLibraries.ofThisMachine().require(Library.CUDA).symbols();

        static final NativeCall INIT = call("cuInit", 1);
        static final NativeCall DRIVER_VERSION = call("cuDriverGetVersion", 1);
        static final NativeCall ERROR_NAME = call("cuGetErrorName", 2);
        static final NativeCall ERROR_STRING = call("cuGetErrorString", 2);

        static final NativeCall DEVICE_COUNT = call("cuDeviceGetCount", 1);
        static final NativeCall DEVICE_GET = call("cuDeviceGet", 2);
        static final NativeCall DEVICE_NAME = call("cuDeviceGetName", 3);
        static final NativeCall DEVICE_PCI_BUS_ID = call("cuDeviceGetPCIBusId", 3);
        static final NativeCall DEVICE_ATTRIBUTE = call("cuDeviceGetAttribute", 3);
        static final NativeCall DEVICE_TOTAL_MEMORY = call("cuDeviceTotalMem_v2", 2);

        static final NativeCall CONTEXT_RETAIN = call("cuDevicePrimaryCtxRetain", 2);
        static final NativeCall CONTEXT_RELEASE = call("cuDevicePrimaryCtxRelease_v2", 1);
        static final NativeCall CONTEXT_SET_CURRENT = call("cuCtxSetCurrent", 1);
        static final NativeCall CONTEXT_SYNCHRONIZE = call("cuCtxSynchronize", 0);

        static final NativeCall MEM_INFO = call("cuMemGetInfo_v2", 2);
        static final NativeCall MEM_ALLOC = call("cuMemAlloc_v2", 2);
        static final NativeCall MEM_FREE = call("cuMemFree_v2", 1);
        static final NativeCall HOST_ALLOC = call("cuMemHostAlloc", 3);
        static final NativeCall HOST_FREE = call("cuMemFreeHost", 1);
        static final NativeCall COPY_TO_DEVICE = call("cuMemcpyHtoDAsync_v2", 4);
        static final NativeCall COPY_TO_HOST = call("cuMemcpyDtoHAsync_v2", 4);
        static final NativeCall COPY_ON_DEVICE = call("cuMemcpyDtoDAsync_v2", 4);
        static final NativeCall FILL = call("cuMemsetD8Async", 4);

        static final NativeCall STREAM_CREATE = call("cuStreamCreate", 2);
        static final NativeCall STREAM_DESTROY = call("cuStreamDestroy_v2", 1);
        static final NativeCall STREAM_SYNCHRONIZE = call("cuStreamSynchronize", 1);
        static final NativeCall STREAM_WAIT_EVENT = call("cuStreamWaitEvent", 3);
        static final NativeCall EVENT_CREATE = call("cuEventCreate", 2);
        static final NativeCall EVENT_DESTROY = call("cuEventDestroy_v2", 1);
        static final NativeCall EVENT_RECORD = call("cuEventRecord", 2);
        static final NativeCall EVENT_QUERY = call("cuEventQuery", 1);
        static final NativeCall EVENT_SYNCHRONIZE = call("cuEventSynchronize", 1);
        static final NativeCall EVENT_ELAPSED = call("cuEventElapsedTime_v2", 3);

        static final NativeCall MODULE_LOAD = call("cuModuleLoadData", 2);
        static final NativeCall MODULE_UNLOAD = call("cuModuleUnload", 1);
        static final NativeCall MODULE_FUNCTION = call("cuModuleGetFunction", 3);
        static final NativeCall FUNCTION_ATTRIBUTE = call("cuFuncGetAttribute", 3);
        static final NativeCall FUNCTION_SET_ATTRIBUTE = call("cuFuncSetAttribute", 3);
        static final NativeCall LAUNCH = call("cuLaunchKernel", 11);

        static final NativeCall CAPTURE_BEGIN = call("cuStreamBeginCapture_v2", 2);
        static final NativeCall CAPTURE_END = call("cuStreamEndCapture", 2);
        static final NativeCall GRAPH_INSTANTIATE = call("cuGraphInstantiateWithFlags", 3);
        static final NativeCall GRAPH_DESTROY = call("cuGraphDestroy", 1);
        static final NativeCall GRAPH_EXEC_DESTROY = call("cuGraphExecDestroy", 1);
        static final NativeCall GRAPH_LAUNCH = call("cuGraphLaunch", 2);

        private static NativeCall call(String name, int arguments) {
            return NativeCall.of(LIBRARY, name, arguments);
        }
    }

    /** Where a call of this thread puts what it answers with. */
    private static final ThreadLocal<MemorySegment> ANSWER = ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(256, 16));

    private final int version;

    /**
     * Initialises the driver.
     *
     * @throws BadInput without libcuda, or with one too old to have every function
     * @throws CudaException where the driver does not start: without a device, or one it cannot reach
     */
    public PanamaDriver() {
        try {
            check(Cu.INIT, Cu.INIT.status(0));
        } catch (ExceptionInInitializerError e) {
            if (e.getCause() instanceof BadInput missing) throw missing;
            if (!(e.getCause() instanceof NoSuchElementException)) throw e;
            throw new BadInput("The CUDA driver has no " + e.getCause().getMessage() + ". " + Library.CUDA.remedy(), e);
        }
        version = intOf(Cu.DRIVER_VERSION, Cu.DRIVER_VERSION.status(answer().address()));
    }

    private static MemorySegment answer() {
        return ANSWER.get();
    }

    private static void check(NativeCall call, int status) {
        if (status != 0) throw failure(call, status);
    }

    private static CudaException failure(NativeCall call, int status) {
        return new CudaException("CUDA", call.name(), status, errorText(Cu.ERROR_NAME, status, "error " + status),
                errorText(Cu.ERROR_STRING, status, "this driver has no words for it"));
    }

    private static String errorText(NativeCall call, int status, String unknown) {
        MemorySegment text = answer();
        if (call.status(status, text.address()) != 0) return unknown;
        return MemorySegment.ofAddress(text.get(JAVA_LONG, 0)).reinterpret(Long.MAX_VALUE).getString(0);
    }

    private static int intOf(NativeCall call, int status) {
        check(call, status);
        return answer().get(JAVA_INT, 0);
    }

    private static long longOf(NativeCall call, int status) {
        check(call, status);
        return answer().get(JAVA_LONG, 0);
    }

    private static String textOf(NativeCall call, int status) {
        check(call, status);
        return answer().getString(0);
    }

    private static long device(int ordinal) {
        return intOf(Cu.DEVICE_GET, Cu.DEVICE_GET.status(answer().address(), ordinal));
    }

    @Override
    public String binding() {
        return "panama";
    }

    @Override
    public int version() {
        return version;
    }

    @Override
    public int deviceCount() {
        return intOf(Cu.DEVICE_COUNT, Cu.DEVICE_COUNT.status(answer().address()));
    }

    @Override
    public String deviceName(int ordinal) {
        long device = device(ordinal);
        MemorySegment name = answer();
        return textOf(Cu.DEVICE_NAME, Cu.DEVICE_NAME.status(name.address(), name.byteSize(), device));
    }

    @Override
    public String devicePciBusId(int ordinal) {
        long device = device(ordinal);
        MemorySegment id = answer();
        return textOf(Cu.DEVICE_PCI_BUS_ID, Cu.DEVICE_PCI_BUS_ID.status(id.address(), id.byteSize(), device));
    }

    @Override
    public int deviceAttribute(int ordinal, int attribute) {
        long device = device(ordinal);
        return intOf(Cu.DEVICE_ATTRIBUTE, Cu.DEVICE_ATTRIBUTE.status(answer().address(), attribute, device));
    }

    @Override
    public long deviceTotalMemory(int ordinal) {
        long device = device(ordinal);
        return longOf(Cu.DEVICE_TOTAL_MEMORY, Cu.DEVICE_TOTAL_MEMORY.status(answer().address(), device));
    }

    @Override
    public long primaryContextRetain(int ordinal) {
        long device = device(ordinal);
        return longOf(Cu.CONTEXT_RETAIN, Cu.CONTEXT_RETAIN.status(answer().address(), device));
    }

    @Override
    public void primaryContextRelease(int ordinal) {
        check(Cu.CONTEXT_RELEASE, Cu.CONTEXT_RELEASE.status(device(ordinal)));
    }

    @Override
    public void setCurrent(long context) {
        check(Cu.CONTEXT_SET_CURRENT, Cu.CONTEXT_SET_CURRENT.status(context));
    }

    @Override
    public void synchronizeContext() {
        check(Cu.CONTEXT_SYNCHRONIZE, Cu.CONTEXT_SYNCHRONIZE.status());
    }

    @Override
    public long memoryFree() {
        long answer = answer().address();
        return longOf(Cu.MEM_INFO, Cu.MEM_INFO.status(answer, answer + JAVA_LONG.byteSize()));
    }

    @Override
    public long memAlloc(long bytes) {
        int status = Cu.MEM_ALLOC.status(answer().address(), bytes);
        return status == OUT_OF_MEMORY ? 0 : longOf(Cu.MEM_ALLOC, status);
    }

    @Override
    public void memFree(long address) {
        check(Cu.MEM_FREE, Cu.MEM_FREE.status(address));
    }

    @Override
    public long hostAlloc(long bytes) {
        int status = Cu.HOST_ALLOC.status(answer().address(), bytes, 0);
        return status == OUT_OF_MEMORY ? 0 : longOf(Cu.HOST_ALLOC, status);
    }

    @Override
    public void hostFree(long address) {
        check(Cu.HOST_FREE, Cu.HOST_FREE.status(address));
    }

    @Override
    public void copyToDevice(long to, long host, long bytes, long stream) {
        check(Cu.COPY_TO_DEVICE, Cu.COPY_TO_DEVICE.status(to, host, bytes, stream));
    }

    @Override
    public void copyToHost(long host, long from, long bytes, long stream) {
        check(Cu.COPY_TO_HOST, Cu.COPY_TO_HOST.status(host, from, bytes, stream));
    }

    @Override
    public void copyOnDevice(long to, long from, long bytes, long stream) {
        check(Cu.COPY_ON_DEVICE, Cu.COPY_ON_DEVICE.status(to, from, bytes, stream));
    }

    @Override
    public void fill(long address, byte value, long bytes, long stream) {
        check(Cu.FILL, Cu.FILL.status(address, value & 0xff, bytes, stream));
    }

    @Override
    public long streamCreate() {
        return longOf(Cu.STREAM_CREATE, Cu.STREAM_CREATE.status(answer().address(), STREAM_NON_BLOCKING));
    }

    @Override
    public void streamDestroy(long stream) {
        check(Cu.STREAM_DESTROY, Cu.STREAM_DESTROY.status(stream));
    }

    @Override
    public void streamSynchronize(long stream) {
        check(Cu.STREAM_SYNCHRONIZE, Cu.STREAM_SYNCHRONIZE.status(stream));
    }

    @Override
    public void streamWaitEvent(long stream, long event) {
        check(Cu.STREAM_WAIT_EVENT, Cu.STREAM_WAIT_EVENT.status(stream, event, 0));
    }

    @Override
    public long eventCreate(boolean timing) {
        return longOf(Cu.EVENT_CREATE, Cu.EVENT_CREATE.status(answer().address(), timing ? 0 : EVENT_DISABLE_TIMING));
    }

    @Override
    public void eventDestroy(long event) {
        check(Cu.EVENT_DESTROY, Cu.EVENT_DESTROY.status(event));
    }

    @Override
    public void eventRecord(long event, long stream) {
        check(Cu.EVENT_RECORD, Cu.EVENT_RECORD.status(event, stream));
    }

    @Override
    public boolean eventQuery(long event) {
        int status = Cu.EVENT_QUERY.status(event);
        if (status == NOT_READY) return false;
        check(Cu.EVENT_QUERY, status);
        return true;
    }

    @Override
    public void eventSynchronize(long event) {
        check(Cu.EVENT_SYNCHRONIZE, Cu.EVENT_SYNCHRONIZE.status(event));
    }

    @Override
    public float eventElapsed(long start, long end) {
        MemorySegment milliseconds = answer();
        check(Cu.EVENT_ELAPSED, Cu.EVENT_ELAPSED.status(milliseconds.address(), start, end));
        return milliseconds.get(JAVA_FLOAT, 0);
    }

    @Override
    public long moduleLoad(MemorySegment image) {
        return longOf(Cu.MODULE_LOAD, Cu.MODULE_LOAD.status(answer().address(), image.address()));
    }

    @Override
    public void moduleUnload(long module) {
        check(Cu.MODULE_UNLOAD, Cu.MODULE_UNLOAD.status(module));
    }

    @Override
    public long moduleFunction(long module, String name) {
        try (Arena arena = Arena.ofConfined()) {
            int status = Cu.MODULE_FUNCTION.status(answer().address(), module, arena.allocateFrom(name).address());
            return status == NOT_FOUND ? 0 : longOf(Cu.MODULE_FUNCTION, status);
        }
    }

    @Override
    public int functionAttribute(long function, int attribute) {
        return intOf(Cu.FUNCTION_ATTRIBUTE, Cu.FUNCTION_ATTRIBUTE.status(answer().address(), attribute, function));
    }

    @Override
    public void functionSetAttribute(long function, int attribute, int value) {
        check(Cu.FUNCTION_SET_ATTRIBUTE, Cu.FUNCTION_SET_ATTRIBUTE.status(function, attribute, value));
    }

    @Override
    public void launch(long function, int blocks, int threads, int sharedBytes, long stream, long parameters) {
        check(Cu.LAUNCH, Cu.LAUNCH.status(function, blocks, 1, 1, threads, 1, 1, sharedBytes, stream, parameters, 0));
    }

    @Override
    public void captureBegin(long stream) {
        check(Cu.CAPTURE_BEGIN, Cu.CAPTURE_BEGIN.status(stream, CAPTURE_MODE_THREAD_LOCAL));
    }

    @Override
    public long captureEnd(long stream) {
        return longOf(Cu.CAPTURE_END, Cu.CAPTURE_END.status(stream, answer().address()));
    }

    @Override
    public long graphInstantiate(long graph) {
        return longOf(Cu.GRAPH_INSTANTIATE, Cu.GRAPH_INSTANTIATE.status(answer().address(), graph, 0));
    }

    @Override
    public void graphDestroy(long graph) {
        check(Cu.GRAPH_DESTROY, Cu.GRAPH_DESTROY.status(graph));
    }

    @Override
    public void graphExecDestroy(long exec) {
        check(Cu.GRAPH_EXEC_DESTROY, Cu.GRAPH_EXEC_DESTROY.status(exec));
    }

    @Override
    public void graphLaunch(long exec, long stream) {
        check(Cu.GRAPH_LAUNCH, Cu.GRAPH_LAUNCH.status(exec, stream));
    }
}
