package org.sparsercnn.ffi.cuda;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Path;
import org.sparsercnn.ffi.NativeLibraries;
import org.sparsercnn.ffi.cuda.CudaLibraries.Library;

/**
 * The driver of tests: {@code native/standin/cuda.cpp}, in place of NVIDIA's. {@link #close} leaves a machine without a GPU, as other
 * tests expect to find it.
 */
public final class StandIn implements AutoCloseable {
    private static final ValueLayout L = ValueLayout.JAVA_LONG;
    private static final ValueLayout I = ValueLayout.JAVA_INT;
    private static final ValueLayout P = ValueLayout.ADDRESS;

    private final SymbolLookup library;

    private StandIn(SymbolLookup library) {
        this.library = library;
    }

    /** Makes the machine one with so many devices of so many bytes each; skips the test where the stand-in was not built. */
    public static StandIn of(int devices, long memory) {
        useItsFolder("libcuda.so.1");
        SymbolLookup library = CudaLibraries.ofThisMachine().require(Library.CUDA).symbols();
        assumeTrue(library.find("standin_reset").isPresent(), "another libcuda than the stand-in comes first");
        StandIn standIn = new StandIn(library);
        standIn.reset(devices, memory);
        return standIn;
    }

    /** Libraries are taken from where the stand-ins are. */
    static void useItsFolder(String file) {
        Path standIn = NativeLibraries.find(file).orElse(null);
        assumeTrue(standIn != null, file + " was not built (native/build.sh makes it)");
        System.setProperty(CudaLibraries.PATH_PROPERTY, standIn.getParent().toString());
    }

    private MethodHandle handle(String name, FunctionDescriptor type) {
        return Linker.nativeLinker().downcallHandle(library.findOrThrow(name), type);
    }

    private void reset(int devices, long memory) {
        try {
            handle("standin_reset", FunctionDescriptor.ofVoid(I, L)).invokeExact(devices, memory);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    public void version(int version) {
        set("standin_version", version);
    }

    /** @param capability 90 for compute capability 9.0 */
    public void capability(int capability) {
        set("standin_capability", capability);
    }

    private void set(String name, int value) {
        try {
            handle(name, FunctionDescriptor.ofVoid(I)).invokeExact(value);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** How much of a kernel's argument struct the log shows and a {@link Runner} gets; so many bytes must be there. */
    public void argumentBytes(long bytes) {
        try {
            handle("standin_argument_bytes", FunctionDescriptor.ofVoid(L)).invokeExact(bytes);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** The n-th call (from 1) of a function, or the n-th "kernel" that runs, fails with that code; 700 to 899 for good. */
    public void fail(String call, long n, int code) {
        try (Arena arena = Arena.ofConfined()) {
            handle("standin_fail", FunctionDescriptor.ofVoid(P, L, I)).invokeExact(arena.allocateFrom(call), n, code);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** What the device has done since the last call, a line each. */
    public String log() {
        return text("standin_log");
    }

    /** What has not been given back, or "". */
    public String held() {
        return text("standin_held");
    }

    private String text(String name) {
        try {
            var text = (MemorySegment) handle(name, FunctionDescriptor.of(P)).invokeExact();
            return text.reinterpret(Long.MAX_VALUE).getString(0);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Something that can run kernels. */
    @FunctionalInterface
    public interface Runner {
        /** @param arguments as many bytes as {@link #argumentBytes} says */
        void run(String kernel, long arguments, long blocks, long threads);
    }

    /** Gives the device something to run its kernels, while {@code arena} lives. */
    public void runner(Runner runner, Arena arena) {
        try {
            MethodHandle target = MethodHandles.lookup().findStatic(StandIn.class, "run",
                    MethodType.methodType(void.class, Runner.class, MemorySegment.class, long.class, long.class, long.class)).bindTo(runner);
            MemorySegment upcall = Linker.nativeLinker().upcallStub(target, FunctionDescriptor.ofVoid(P, L, L, L), arena);
            handle("standin_runner", FunctionDescriptor.ofVoid(P)).invokeExact(upcall);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    @SuppressWarnings("unused") // called from native code
    private static void run(Runner runner, MemorySegment name, long arguments, long blocks, long threads) {
        runner.run(name.reinterpret(Long.MAX_VALUE).getString(0), arguments, blocks, threads);
    }

    @Override
    public void close() {
        reset(0, 0);
        System.clearProperty(CudaLibraries.PATH_PROPERTY);
    }
}
