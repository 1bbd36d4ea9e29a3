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
 * NCCL itself. Nothing is allocated on the Java heap by a collective. A communicator is made by {@code ncclCommInitRankConfig} with
 * {@code blocking = 0}, so that a rank that is missing or lost does not hold the caller for ever.
 */
public final class Nccl implements NcclCalls {
    /** Size of the token that brings ranks together (NCCL_UNIQUE_ID_BYTES). */
    public static final int UNIQUE_ID_BYTES = 128;

    private static final String INIT = "ncclCommInitRankConfig";
    private static final int IN_PROGRESS = 7;
    private static final int SUM = 0;
    private static final int UINT8 = 1;
    private static final int FLOAT32 = 7;
    private static final int BFLOAT16 = 9;
    private static final List<String> RESULTS = List.of("ncclSuccess", "ncclUnhandledCudaError", "ncclSystemError", "ncclInternalError",
            "ncclInvalidArgument", "ncclInvalidUsage", "ncclRemoteError", "ncclInProgress", "ncclTimeout");

    /**
     * {@code ncclConfig_t} as NCCL 2.14 has it; later versions, which have added fields at its end, go by {@code size} and
     * {@code version} and take their defaults for what is not there.
     */
    private static final class Config {
        static final MemoryLayout LAYOUT = MemoryLayout.structLayout(JAVA_LONG.withName("size"), JAVA_INT.withName("magic"),
                JAVA_INT.withName("version"), JAVA_INT.withName("blocking"), MemoryLayout.paddingLayout(4));
        private static final int MAGIC = 0xcafebeef;
        private static final int VERSION = 21400;

        static MemorySegment nonBlocking(Arena arena) {
            MemorySegment config = arena.allocate(LAYOUT);
            config.set(JAVA_LONG, offset("size"), LAYOUT.byteSize());
            config.set(JAVA_INT, offset("magic"), MAGIC);
            config.set(JAVA_INT, offset("version"), VERSION);
            config.set(JAVA_INT, offset("blocking"), 0);
            return config;
        }

        private static long offset(String field) {
            return LAYOUT.byteOffset(MemoryLayout.PathElement.groupElement(field));
        }
    }

    /** The functions, static and final in a class that is loaded where NCCL is. */
    private static final class Functions {
        private static final SymbolLookup LIBRARY = CudaLibraries.ofThisMachine().require(Library.NCCL).symbols();

        static final NativeCall VERSION = NativeCall.of(LIBRARY, "ncclGetVersion", 1);
        static final NativeCall UNIQUE_ID = NativeCall.of(LIBRARY, "ncclGetUniqueId", 1);
        static final NativeCall ALL_REDUCE = NativeCall.of(LIBRARY, "ncclAllReduce", 7);
        static final NativeCall REDUCE_SCATTER = NativeCall.of(LIBRARY, "ncclReduceScatter", 7);
        static final NativeCall ALL_GATHER = NativeCall.of(LIBRARY, "ncclAllGather", 6);
        static final NativeCall BROADCAST = NativeCall.of(LIBRARY, "ncclBroadcast", 7);
        static final NativeCall ASYNC_ERROR = NativeCall.of(LIBRARY, "ncclCommGetAsyncError", 2);
        static final NativeCall FINALIZE = NativeCall.of(LIBRARY, "ncclCommFinalize", 1);
        static final NativeCall DESTROY = NativeCall.of(LIBRARY, "ncclCommDestroy", 1);
        static final NativeCall ABORT = NativeCall.of(LIBRARY, "ncclCommAbort", 1);

        /** The id goes by value. */
        static final MethodHandle INIT_RANK = Linker.nativeLinker().downcallHandle(LIBRARY.findOrThrow(INIT), FunctionDescriptor.of(JAVA_INT,
                ADDRESS, JAVA_INT, MemoryLayout.structLayout(MemoryLayout.sequenceLayout(UNIQUE_ID_BYTES, JAVA_BYTE)), JAVA_INT, ADDRESS));
        static final MethodHandle ERROR_STRING =
                Linker.nativeLinker().downcallHandle(LIBRARY.findOrThrow("ncclGetErrorString"), FunctionDescriptor.of(ADDRESS, JAVA_INT));
        static final MethodHandle LAST_ERROR =
                Linker.nativeLinker().downcallHandle(LIBRARY.findOrThrow("ncclGetLastError"), FunctionDescriptor.of(ADDRESS, JAVA_LONG));
    }

    /** Where a call of this thread puts what it answers with. */
    private static final ThreadLocal<MemorySegment> ANSWER = ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(JAVA_LONG));

    private final Found library;

    /** @throws BadInput where NCCL is missing or too old: what was looked for, where, and the remedy */
    public Nccl() {
        library = CudaLibraries.ofThisMachine().require(Library.NCCL);
        if (library.symbols().find(INIT).isEmpty()) {
            throw BadInput.of("NCCL is too old (%s has no %s): 2.14 or newer is wanted. %s", library.file(), INIT, Library.NCCL.remedy());
        }
    }

    /** Where it lies, for people. */
    public Found library() {
        return library;
    }

    /** 23007 for 2.30.7. */
    public int version() {
        MemorySegment version = ANSWER.get();
        check(Functions.VERSION, Functions.VERSION.status(version.address()), 0);
        return version.get(JAVA_INT, 0);
    }

    @Override
    public byte[] uniqueId() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment id = arena.allocate(UNIQUE_ID_BYTES);
            check(Functions.UNIQUE_ID, Functions.UNIQUE_ID.status(id.address()), 0);
            return id.toArray(JAVA_BYTE);
        }
    }

    @Override
    public long commInit(int ranks, byte[] uniqueId, int rank) {
        if (uniqueId.length != UNIQUE_ID_BYTES) throw new IllegalArgumentException(uniqueId.length + " bytes, wanted " + UNIQUE_ID_BYTES);
        MemorySegment comm = Arena.global().allocate(ADDRESS); // some versions write to it once more, when all ranks have come
        try (Arena arena = Arena.ofConfined()) {
            int status = (int) Functions.INIT_RANK.invokeExact(comm, ranks, arena.allocateFrom(JAVA_BYTE, uniqueId), rank,
                    Config.nonBlocking(arena));
            if (status != 0 && status != IN_PROGRESS) throw failure(INIT, status, 0);
            return comm.get(JAVA_LONG, 0);
        } catch (CudaException e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public boolean isReady(long comm) {
        MemorySegment error = ANSWER.get();
        check(Functions.ASYNC_ERROR, Functions.ASYNC_ERROR.status(comm, error.address()), comm);
        int status = error.get(JAVA_INT, 0);
        if (status != 0 && status != IN_PROGRESS) throw failure("a call", status, comm);
        return status == 0;
    }

    @Override
    public void allReduceSum(long send, long receive, long count, NumberType type, long comm, long stream) {
        check(Functions.ALL_REDUCE, Functions.ALL_REDUCE.status(send, receive, count, dataType(type), SUM, comm, stream), comm);
    }

    @Override
    public void reduceScatterSum(long send, long receive, long count, NumberType type, long comm, long stream) {
        check(Functions.REDUCE_SCATTER, Functions.REDUCE_SCATTER.status(send, receive, count, dataType(type), SUM, comm, stream), comm);
    }

    @Override
    public void allGather(long send, long receive, long bytes, long comm, long stream) {
        check(Functions.ALL_GATHER, Functions.ALL_GATHER.status(send, receive, bytes, UINT8, comm, stream), comm);
    }

    @Override
    public void broadcast(long send, long receive, long bytes, int root, long comm, long stream) {
        check(Functions.BROADCAST, Functions.BROADCAST.status(send, receive, bytes, UINT8, root, comm, stream), comm);
    }

    @Override
    public void commFinalize(long comm) {
        check(Functions.FINALIZE, Functions.FINALIZE.status(comm), comm);
    }

    @Override
    public void commDestroy(long comm) {
        check(Functions.DESTROY, Functions.DESTROY.status(comm), 0);
    }

    @Override
    public void commAbort(long comm) {
        check(Functions.ABORT, Functions.ABORT.status(comm), 0);
    }

    private static int dataType(NumberType type) {
        return type == NumberType.BF16 ? BFLOAT16 : FLOAT32;
    }

    private static void check(NativeCall call, int status, long comm) {
        if (status != 0 && status != IN_PROGRESS) throw failure(call.name(), status, comm);
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
