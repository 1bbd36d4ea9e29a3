package org.sparsercnn.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.ffi.NativeLibraries;

/** What every {@link CudaDriver} must do, on the stand-in for NVIDIA's driver. */
@ParameterizedClass(name = "{0}")
@ValueSource(strings = {"panama", "jcuda"})
class CudaDriverContractTest {
    private static final long MEMORY = 1 << 20;
    private static final String IMAGE = "standin: relu_fwd_f32 add";

    @Parameter
    private String binding;

    private final Arena arena = Arena.ofConfined();
    private StandIn standIn;
    private CudaDriver driver;
    private long context;
    private long stream;

    @BeforeEach
    void open() {
        standIn = StandIn.of(2, MEMORY);
        assumeTrue(!binding.equals("jcuda") || NativeLibraries.find("libJCudaDriver-12.6.0-linux-x86_64.so").isPresent(),
                "JCuda's natives are not among ours");
        driver = CudaDrivers.open(binding);
        context = driver.primaryContextRetain(1);
        driver.setCurrent(context);
        stream = driver.streamCreate();
    }

    @AfterEach
    void close() {
        standIn.close();
        arena.close();
    }

    private static void fails(ThrowingCallable call, int code, String... words) {
        assertThatThrownBy(call).isInstanceOfSatisfying(CudaException.class, e -> {
            assertThat(e.code()).isEqualTo(code);
            assertThat(e.library()).isEqualTo("CUDA");
            assertThat(e.getMessage()).contains("(" + code + ")");
            for (String word : words) assertThat(e.getMessage()).contains(word);
        });
    }

    private MemorySegment bytes(int... values) {
        MemorySegment memory = arena.allocate(values.length);
        for (int i = 0; i < values.length; i++) memory.set(JAVA_BYTE, i, (byte) values[i]);
        return memory;
    }

    private byte[] read(long address, int bytes) {
        MemorySegment host = arena.allocate(bytes);
        driver.copyToHost(host.address(), address, bytes, stream);
        driver.streamSynchronize(stream);
        return host.toArray(JAVA_BYTE);
    }

    private long function(String name) {
        return driver.moduleFunction(driver.moduleLoad(arena.allocateFrom(IMAGE)), name);
    }

    /** An argument block of 8-byte fields, and the address of an array with its address. */
    private long parameters(long... fields) {
        MemorySegment block = arena.allocate(Math.max(64, 8L * fields.length), 8);
        for (int i = 0; i < fields.length; i++) block.setAtIndex(JAVA_LONG, i, fields[i]);
        MemorySegment list = arena.allocate(JAVA_LONG);
        list.set(JAVA_LONG, 0, block.address());
        return list.address();
    }

    @Test
    void tellsWhatItIs() {
        assertThat(driver.binding()).isEqualTo(binding);
        assertThat(driver.version()).isEqualTo(13000);
    }

    @Test
    void describesDevices() {
        assertThat(driver.deviceCount()).isEqualTo(2);
        assertThat(driver.deviceName(1)).isEqualTo("Stand-in 1");
        assertThat(driver.devicePciBusId(1)).isEqualTo("0000:02:00.0");
        assertThat(driver.deviceTotalMemory(0)).isEqualTo(MEMORY);
        assertThat(driver.deviceAttribute(0, DeviceAttribute.MULTIPROCESSOR_COUNT)).isEqualTo(132);
        assertThat(driver.deviceAttribute(0, DeviceAttribute.COMPUTE_CAPABILITY_MAJOR)).isEqualTo(9);
        assertThat(driver.deviceAttribute(0, DeviceAttribute.COMPUTE_CAPABILITY_MINOR)).isZero();
        assertThat(driver.deviceAttribute(0, DeviceAttribute.MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)).isEqualTo(227 << 10);
        fails(() -> driver.deviceName(2), 101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal", "cuDeviceGet");
    }

    @Test
    void aContextIsTheThreadsOwn() throws InterruptedException {
        Throwable[] elsewhere = new Throwable[1];
        Thread thread = new Thread(() -> {
            try {
                driver.memAlloc(16);
            } catch (CudaException e) {
                elsewhere[0] = e;
            }
        });
        thread.start();
        thread.join();
        assertThat(elsewhere[0]).hasMessageContaining("CUDA_ERROR_INVALID_CONTEXT");
        assertThat(driver.primaryContextRetain(1)).isEqualTo(context);
        driver.primaryContextRelease(1);
        driver.primaryContextRelease(1);
        fails(() -> driver.primaryContextRelease(1), 201, "CUDA_ERROR_INVALID_CONTEXT");
    }

    @Test
    void memoryIsCountedAndItsEndIsZero() {
        assertThat(driver.memoryFree()).isEqualTo(MEMORY);
        long first = driver.memAlloc(MEMORY - 100);
        assertThat(first).isNotZero();
        assertThat(driver.memoryFree()).isEqualTo(100);
        assertThat(driver.memAlloc(101)).isZero();
        driver.memFree(first);
        assertThat(driver.memoryFree()).isEqualTo(MEMORY);
        fails(() -> driver.memFree(first), 1, "CUDA_ERROR_INVALID_VALUE", "invalid argument");
        fails(() -> driver.memAlloc(0), 1, "cuMemAlloc");
        standIn.fail("cuMemHostAlloc", 1, 2);
        assertThat(driver.hostAlloc(16)).isZero();
    }

    @Test
    void pinnedMemoryCanBeReadAndWritten() {
        long host = driver.hostAlloc(5000);
        MemorySegment memory = MemorySegment.ofAddress(host).reinterpret(5000);
        memory.fill((byte) 7);
        assertThat(memory.get(JAVA_BYTE, 4999)).isEqualTo((byte) 7);
        driver.hostFree(host);
        fails(() -> driver.hostFree(host), 1, "cuMemFreeHost");
    }

    @Test
    void copiesInTheOrderOfTheStream() {
        long a = driver.memAlloc(8);
        long b = driver.memAlloc(8);
        MemorySegment host = bytes(1, 2, 3, 4, 5, 6, 7, 8);
        driver.copyToDevice(a, host.address(), 8, stream);
        host.fill((byte) 0); // not pinned: was copied before the call returned
        driver.copyOnDevice(b, a, 8, stream);
        driver.fill(b + 2, (byte) 200, 3, stream);
        assertThat(read(b, 8)).containsExactly(1, 2, 200, 200, 200, 6, 7, 8);
        assertThat(standIn.log()).isEqualTo("""
                copy to-device 8 stream 1
                copy on-device 8 stream 1
                fill 200 3 stream 1
                copy to-host 8 stream 1
                """);
        fails(() -> driver.copyToDevice(a + 1, host.address(), 8, stream), 1, "cuMemcpyHtoDAsync");
        fails(() -> driver.copyToHost(host.address(), a, 9, stream), 1, "cuMemcpyDtoHAsync");
        fails(() -> driver.copyOnDevice(host.address(), a, 8, stream), 1, "cuMemcpyDtoDAsync");
        fails(() -> driver.fill(a, (byte) 0, 9, stream), 1, "cuMemsetD8Async");
    }

    @Test
    void pinnedMemoryIsWrittenWhenTheStreamGetsThere() {
        long pinned = driver.hostAlloc(8);
        MemorySegment host = MemorySegment.ofAddress(pinned).reinterpret(8);
        host.fill((byte) 1);
        long memory = driver.memAlloc(8);
        driver.fill(memory, (byte) 2, 8, stream);
        driver.copyToHost(pinned, memory, 8, stream);
        long event = driver.eventCreate(false);
        driver.eventRecord(event, stream);
        assertThat(host.get(JAVA_BYTE, 0)).isEqualTo((byte) 1);
        int asked = 1;
        while (!driver.eventQuery(event)) asked++;
        assertThat(asked).isEqualTo(4); // the stand-in does one piece of work each time
        assertThat(host.get(JAVA_BYTE, 7)).isEqualTo((byte) 2);
        assertThat(driver.eventQuery(event)).isTrue();
    }

    @Test
    void aStreamWaitsForAnEventOfAnother() {
        long other = driver.streamCreate();
        long memory = driver.memAlloc(4);
        long event = driver.eventCreate(false);
        assertThat(driver.eventQuery(event)).as("never recorded").isTrue();
        driver.fill(memory, (byte) 1, 4, other);
        driver.eventRecord(event, other);
        driver.streamWaitEvent(stream, event);
        driver.fill(memory, (byte) 2, 2, stream);
        assertThat(read(memory, 4)).containsExactly(2, 2, 1, 1);
        assertThat(standIn.log()).startsWith("fill 1 4 stream 2\nfill 2 2 stream 1\n");
        driver.eventRecord(event, other);
        driver.eventSynchronize(event);
        assertThat(driver.eventQuery(event)).isTrue();
        driver.eventDestroy(event);
        fails(() -> driver.eventQuery(event), 400, "CUDA_ERROR_INVALID_HANDLE");
        driver.streamDestroy(other);
        fails(() -> driver.streamSynchronize(other), 400, "CUDA_ERROR_INVALID_HANDLE");
    }

    @Test
    void eventsMeasureTime() {
        long start = driver.eventCreate(true);
        long end = driver.eventCreate(true);
        long memory = driver.memAlloc(4);
        driver.eventRecord(start, stream);
        driver.fill(memory, (byte) 0, 4, stream);
        driver.eventRecord(end, stream);
        fails(() -> driver.eventElapsed(start, end), 600, "CUDA_ERROR_NOT_READY");
        driver.synchronizeContext();
        assertThat(driver.eventElapsed(start, end)).isEqualTo(1f); // the stand-in's work takes half a millisecond
        long untimed = driver.eventCreate(false);
        driver.eventRecord(untimed, stream);
        fails(() -> driver.eventElapsed(start, untimed), 400, "CUDA_ERROR_INVALID_HANDLE");
    }

    @Test
    void launchesWithTheArgumentsOfThatMoment() {
        long function = function("relu_fwd_f32");
        MemorySegment block = arena.allocate(64, 8);
        MemorySegment list = arena.allocate(JAVA_LONG);
        list.set(JAVA_LONG, 0, block.address());
        block.set(JAVA_LONG, 0, 0x1122334455667788L);
        block.set(JAVA_LONG, 56, -1);
        driver.launch(function, 70_000, 256, 1024, stream, list.address());
        block.fill((byte) 0);
        driver.launch(function, Integer.MAX_VALUE, 32, 0, stream, list.address());
        assertThat(standIn.log()).isEmpty();
        driver.streamSynchronize(stream);
        String zeros = "00".repeat(64);
        assertThat(standIn.log()).isEqualTo("launch relu_fwd_f32 blocks 70000 threads 256 shared 1024 stream 1 arguments "
                + "8877665544332211" + zeros.substring(16, 112) + "ffffffffffffffff\n"
                + "launch relu_fwd_f32 blocks 2147483647 threads 32 shared 0 stream 1 arguments " + zeros + "\n");
    }

    @Test
    void kernelsRunWhereSomethingCanRunThem() {
        long memory = driver.memAlloc(8);
        List<String> ran = new ArrayList<>();
        standIn.runner((kernel, arguments, blocks, threads) -> {
            long target = MemorySegment.ofAddress(arguments).reinterpret(8).get(JAVA_LONG, 0);
            MemorySegment.ofAddress(target).reinterpret(8).set(JAVA_LONG, 0, 0x0706050403020100L);
            ran.add(kernel + " " + blocks + " " + threads);
        }, arena);
        driver.launch(function("add"), 2, 96, 0, stream, parameters(memory));
        assertThat(read(memory, 8)).containsExactly(0, 1, 2, 3, 4, 5, 6, 7);
        assertThat(ran).containsExactly("add 2 96");
    }

    @Test
    void launchesThatCannotBeAreRefused() {
        long function = function("add");
        long parameters = parameters(1);
        fails(() -> driver.launch(function, 0, 32, 0, stream, parameters), 1, "cuLaunchKernel");
        fails(() -> driver.launch(function, 1, 2048, 0, stream, parameters), 1, "cuLaunchKernel");
        fails(() -> driver.launch(function, 1, 32, 49153, stream, parameters), 1, "cuLaunchKernel");
        driver.functionSetAttribute(function, FunctionAttribute.MAX_DYNAMIC_SHARED_SIZE_BYTES, 100_000);
        assertThat(driver.functionAttribute(function, FunctionAttribute.MAX_DYNAMIC_SHARED_SIZE_BYTES)).isEqualTo(100_000);
        driver.launch(function, 1, 32, 100_000, stream, parameters);
        fails(() -> driver.functionSetAttribute(function, FunctionAttribute.MAX_DYNAMIC_SHARED_SIZE_BYTES, 1 << 20), 1);
    }

    @Test
    void findsTheKernelsOfAModule() {
        long module = driver.moduleLoad(arena.allocateFrom(IMAGE));
        assertThat(driver.moduleFunction(module, "nosuch")).isZero();
        long function = driver.moduleFunction(module, "add");
        assertThat(driver.functionAttribute(function, FunctionAttribute.NUM_REGS)).isEqualTo(32);
        assertThat(driver.functionAttribute(function, FunctionAttribute.LOCAL_SIZE_BYTES)).isZero();
        assertThat(driver.functionAttribute(function, FunctionAttribute.MAX_THREADS_PER_BLOCK)).isEqualTo(1024);
        driver.moduleUnload(module);
        fails(() -> driver.moduleFunction(module, "add"), 400);
        fails(() -> driver.launch(function, 1, 32, 0, stream, parameters(0)), 400);
        fails(() -> driver.moduleLoad(arena.allocateFrom("neither fatbin nor PTX")), 200, "CUDA_ERROR_INVALID_IMAGE");
        assertThat(driver.moduleLoad(bytes(0x50, 0xed, 0x55, 0xba, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))).as("a fatbin").isNotZero();
    }

    @Test
    void recordsAndReplays() {
        long memory = driver.memAlloc(4);
        long function = function("add");
        long fork = driver.streamCreate();
        long forked = driver.eventCreate(false);
        long joined = driver.eventCreate(false);
        driver.captureBegin(stream);
        driver.launch(function, 3, 64, 0, stream, parameters(0x2a));
        driver.eventRecord(forked, stream);
        driver.streamWaitEvent(fork, forked);
        driver.fill(memory, (byte) 5, 4, fork);
        driver.eventRecord(joined, fork);
        driver.streamWaitEvent(stream, joined);
        driver.copyOnDevice(memory, memory + 2, 2, stream);
        long graph = driver.captureEnd(stream);
        driver.synchronizeContext();
        assertThat(standIn.log()).as("recorded, not done").isEmpty();

        long exec = driver.graphInstantiate(graph);
        driver.graphDestroy(graph);
        driver.graphLaunch(exec, stream);
        driver.graphLaunch(exec, stream);
        driver.streamSynchronize(stream);
        String once = "launch add blocks 3 threads 64 shared 0 stream 1 arguments 2a" + "00".repeat(63) + "\n"
                + "fill 5 4 stream 2\ncopy on-device 2 stream 1\n";
        assertThat(standIn.log()).isEqualTo(once + once);
        driver.graphExecDestroy(exec);
        fails(() -> driver.graphLaunch(exec, stream), 400);
        fails(() -> driver.graphInstantiate(graph), 400);
    }

    @Test
    void whatMayWaitSpoilsARecording() {
        long memory = driver.memAlloc(4);
        driver.captureBegin(stream);
        fails(() -> driver.streamSynchronize(stream), 900, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED");
        fails(() -> driver.fill(memory, (byte) 0, 4, stream), 901, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED");
        fails(() -> driver.captureEnd(stream), 901);
        driver.captureBegin(stream);
        fails(() -> driver.memAlloc(16), 900);
        fails(() -> driver.captureEnd(stream), 901);
        fails(() -> driver.captureEnd(stream), 903, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED");
    }

    @Test
    void aForkedStreamMustBeJoined() {
        long memory = driver.memAlloc(4);
        long fork = driver.streamCreate();
        long event = driver.eventCreate(false);
        driver.captureBegin(stream);
        driver.eventRecord(event, stream);
        driver.streamWaitEvent(fork, event);
        driver.fill(memory, (byte) 0, 4, fork);
        fails(() -> driver.eventQuery(event), 907, "CUDA_ERROR_CAPTURED_EVENT");
        fails(() -> driver.captureEnd(stream), 904, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED");
    }

    @Test
    void errorsOfTheDeviceComeLaterAndStay() {
        long function = function("add");
        long parameters = parameters(1);
        standIn.fail("kernel", 2, 700);
        driver.launch(function, 1, 32, 0, stream, parameters);
        driver.streamSynchronize(stream);
        driver.launch(function, 1, 32, 0, stream, parameters);
        fails(() -> driver.streamSynchronize(stream), 700, "cuStreamSynchronize", "CUDA_ERROR_ILLEGAL_ADDRESS", "illegal memory access");
        fails(() -> driver.memAlloc(16), 700, "CUDA_ERROR_ILLEGAL_ADDRESS");
    }

    @Test
    void anErrorWithoutANameIsANumber() {
        standIn.fail("cuCtxSynchronize", 1, 4711);
        fails(driver::synchronizeContext, 4711, "error 4711");
    }

    @Test
    void givesEverythingBack() {
        long memory = driver.memAlloc(16);
        long host = driver.hostAlloc(16);
        long event = driver.eventCreate(true);
        long module = driver.moduleLoad(arena.allocateFrom(IMAGE));
        driver.captureBegin(stream);
        driver.fill(memory, (byte) 1, 1, stream);
        long graph = driver.captureEnd(stream);
        long exec = driver.graphInstantiate(graph);
        assertThat(standIn.held()).isEqualTo("1 contexts, 1 pieces of device memory, 1 pieces of pinned memory, 1 streams, 1 events, "
                + "1 modules, 1 graphs, 1 executable graphs");
        driver.graphExecDestroy(exec);
        driver.graphDestroy(graph);
        driver.moduleUnload(module);
        driver.eventDestroy(event);
        driver.hostFree(host);
        driver.memFree(memory);
        driver.streamDestroy(stream);
        driver.primaryContextRelease(1);
        assertThat(standIn.held()).isEmpty();
    }

    @Test
    void launchesCopiesAndEventsAllocateNothing() {
        long function = function("add");
        long parameters = parameters(1, 2, 3);
        long memory = driver.memAlloc(64);
        long host = driver.hostAlloc(64);
        long event = driver.eventCreate(false);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Runnable step = () -> {
            driver.copyToDevice(memory, host, 64, stream);
            driver.launch(function, 8, 128, 0, stream, parameters);
            driver.copyOnDevice(memory, memory + 32, 32, stream);
            driver.fill(memory, (byte) 0, 8, stream);
            driver.copyToHost(host, memory, 64, stream);
            driver.eventRecord(event, stream);
            driver.streamWaitEvent(stream, event);
            driver.eventQuery(event);
            driver.streamSynchronize(stream);
        };
        long least = Long.MAX_VALUE; // of some rounds, for the JVM may do something of its own in one
        for (int round = 0; round < 5; round++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 500; i++) step.run();
            least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
        }
        assertThat(least).isZero();
    }
}
