package org.sparsercnn.ffi.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;
import org.sparsercnn.ffi.cuda.CudaLibraries.Found;
import org.sparsercnn.ffi.cuda.CudaLibraries.Library;
import org.sparsercnn.util.BadInput;

/**
 * NVIDIA's collectives. A communicator is a long and belongs to the device that is current when it is made. Collectives are queued on
 * a stream and allocate nothing on the Java heap.
 */
public final class Nccl {
    /** Size of the token that brings ranks together (NCCL_UNIQUE_ID_BYTES). */
    public static final int UNIQUE_ID_BYTES = 128;

    private static final int IN_PROGRESS = 7;
    private static final int SUM = 0;
    private static final int UINT8 = 1;
    private static final int FLOAT32 = 7;
    private static final int BFLOAT16 = 9;
    private static final List<String> RESULTS = List.of("ncclSuccess", "ncclUnhandledCudaError", "ncclSystemError", "ncclInternalError",
            "ncclInvalidArgument", "ncclInvalidUsage", "ncclRemoteError", "ncclInProgress");

    /** The functions, static and final in a class that is loaded where NCCL is. */
    private static final class Functions {
        private static final SymbolLookup LIBRARY = CudaLibraries.ofThisMachine().require(Library.NCCL).symbols();

        static final NativeCall VERSION = NativeCall.of(LIBRARY, "ncclGetVersion", 1);
        static final NativeCall UNIQUE_ID = NativeCall.of(LIBRARY, "ncclGetUniqueId", 1);
        static final NativeCall INIT_ALL = NativeCall.of(LIBRARY, "ncclCommInitAll", 3);
        static final NativeCall ALL_REDUCE = NativeCall.of(LIBRARY, "ncclAllReduce", 7);
        static final NativeCall BROADCAST = NativeCall.of(LIBRARY, "ncclBroadcast", 7);
        static final NativeCall GROUP_START = NativeCall.of(LIBRARY, "ncclGroupStart", 0);
        static final NativeCall GROUP_END = NativeCall.of(LIBRARY, "ncclGroupEnd", 0);
        static final NativeCall ASYNC_ERROR = NativeCall.of(LIBRARY, "ncclCommGetAsyncError", 2);
        static final NativeCall DESTROY = NativeCall.of(LIBRARY, "ncclCommDestroy", 1);
        static final NativeCall ABORT = NativeCall.of(LIBRARY, "ncclCommAbort", 1);

        /** The id goes by value. */
        static final MethodHandle INIT_RANK = Linker.nativeLinker().downcallHandle(LIBRARY.findOrThrow("ncclCommInitRank"),
                FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT,
                        MemoryLayout.structLayout(MemoryLayout.sequenceLayout(UNIQUE_ID_BYTES, JAVA_BYTE)), JAVA_INT));
        static final MethodHandle ERROR_STRING =
                Linker.nativeLinker().downcallHandle(LIBRARY.findOrThrow("ncclGetErrorString"), FunctionDescriptor.of(ADDRESS, JAVA_INT));
        static final MethodHandle LAST_ERROR =
                Linker.nativeLinker().downcallHandle(LIBRARY.findOrThrow("ncclGetLastError"), FunctionDescriptor.of(ADDRESS, JAVA_LONG));
    }

    private final Found library;

    /** @throws BadInput where NCCL is missing: what was looked for, where, and the remedy */
    public Nccl() {
        library = CudaLibraries.ofThisMachine().require(Library.NCCL);
    }

    /** Where it lies, for people. */
    public Found library() {
        return library;
    }

    /** 23007 for 2.30.7. */
    public int version() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment version = arena.allocate(JAVA_INT);
            check(Functions.VERSION, Functions.VERSION.status(version.address()), 0);
            return version.get(JAVA_INT, 0);
        }
    }

    /** A token that one rank makes and gives to all others. */
    public byte[] uniqueId() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment id = arena.allocate(UNIQUE_ID_BYTES);
            check(Functions.UNIQUE_ID, Functions.UNIQUE_ID.status(id.address()), 0);
            return id.toArray(JAVA_BYTE);
        }
    }

    /** Joins a communicator of {@code ranks} with the device of the current context; waits for the others. */
    public long commInitRank(int ranks, byte[] uniqueId, int rank) {
        if (uniqueId.length != UNIQUE_ID_BYTES) throw new IllegalArgumentException(uniqueId.length + " bytes, wanted " + UNIQUE_ID_BYTES);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment comm = arena.allocate(ADDRESS);
            MemorySegment id = arena.allocateFrom(JAVA_BYTE, uniqueId);
            int status = (int) Functions.INIT_RANK.invokeExact(comm, ranks, id, rank);
            if (status != 0) throw failure("ncclCommInitRank", status, 0);
            return comm.get(JAVA_LONG, 0);
        } catch (CudaException e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** A communicator over devices of this process, one rank each, in their order. */
    public long[] commInitAll(int... devices) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment comms = arena.allocate(JAVA_LONG, devices.length);
            MemorySegment ordinals = arena.allocateFrom(JAVA_INT, devices);
            check(Functions.INIT_ALL, Functions.INIT_ALL.status(comms.address(), devices.length, ordinals.address()), 0);
            return comms.toArray(JAVA_LONG);
        }
    }

    /**
     * The sum over the ranks. {@code receive} may be {@code send}.
     *
     * @param type as it lies in memory; bf16 is added in the library's precision
     */
    public void allReduceSum(long send, long receive, long count, NumberType type, long comm, long stream) {
        int dataType = type == NumberType.BF16 ? BFLOAT16 : FLOAT32;
        check(Functions.ALL_REDUCE, Functions.ALL_REDUCE.status(send, receive, count, dataType, SUM, comm, stream), comm);
    }

    /** Bytes of rank {@code root} to all; {@code receive} may be {@code send}. */
    public void broadcast(long send, long receive, long bytes, int root, long comm, long stream) {
        check(Functions.BROADCAST, Functions.BROADCAST.status(send, receive, bytes, UINT8, root, comm, stream), comm);
    }

    /** Calls until {@link #groupEnd} are one: needed where one thread speaks for several ranks. */
    public void groupStart() {
        check(Functions.GROUP_START, Functions.GROUP_START.status(), 0);
    }

    public void groupEnd() {
        check(Functions.GROUP_END, Functions.GROUP_END.status(), 0);
    }

    /** @throws CudaException where something went wrong behind an earlier call, as when another rank has gone */
    public void checkAsync(long comm) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment error = arena.allocate(JAVA_INT);
            check(Functions.ASYNC_ERROR, Functions.ASYNC_ERROR.status(comm, error.address()), comm);
            int status = error.get(JAVA_INT, 0);
            if (status != IN_PROGRESS && status != 0) throw failure("a collective", status, comm);
        }
    }

    /** Frees a communicator after its work is done. */
    public void commDestroy(long comm) {
        check(Functions.DESTROY, Functions.DESTROY.status(comm), 0);
    }

    /** Frees a communicator at once, whatever the other ranks do. */
    public void commAbort(long comm) {
        check(Functions.ABORT, Functions.ABORT.status(comm), 0);
    }

    private static void check(NativeCall call, int status, long comm) {
        if (status != 0) throw failure(call.name(), status, comm);
    }

    private static CudaException failure(String call, int status, long comm) {
        try {
            String name = status > 0 && status < RESULTS.size() ? RESULTS.get(status) : "error " + status;
            var text = (MemorySegment) Functions.ERROR_STRING.invokeExact(status);
            var last = (MemorySegment) Functions.LAST_ERROR.invokeExact(comm);
            return new CudaException("NCCL", call, status, name, string(text) + (string(last).isBlank() ? "" : "; " + string(last)));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private static String string(MemorySegment text) {
        return text.equals(MemorySegment.NULL) ? "" : text.reinterpret(Long.MAX_VALUE).getString(0).strip();
    }
}
