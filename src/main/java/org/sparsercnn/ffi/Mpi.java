package org.sparsercnn.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.List;
import java.util.NoSuchElementException;
import org.sparsercnn.util.BadInput;

/**
 * Open MPI: what a group of processes needs of it. Collectives are non-blocking: each returns a request, which {@link #test} asks
 * about. One communicator, that of all processes; any thread may call, one at a time (but for {@link #abort}).
 */
public final class Mpi {
    /** How {@code values[i] += other[i]} is done for elements that MPI has no arithmetic for. */
    @FunctionalInterface
    public interface Addition {
        void add(MemorySegment other, MemorySegment values, long count);
    }

    /** What a sum adds: fp32, or 16-bit values by an {@link Addition}. */
    private record Summands(MemorySegment type, MemorySegment sum) {}

    /** The library's file or name, instead of what the system's loader finds. */
    public static final String PROPERTY = "sparsercnn.mpi";

    private static final List<String> NAMES = List.of("libmpi.so.40", "libmpi.so");
    private static final int THREAD_MULTIPLE = 3;
    private static final int BYTES_OF_16_BITS = 2;
    private static final int MAX_ERROR_TEXT = 512;
    private static final Linker LINKER = Linker.nativeLinker();

    private final SymbolLookup library;
    private final MemorySegment world;
    private final MemorySegment byteType;
    private final Summands floats;
    private final Summands shorts;
    private final MethodHandle iallreduce;
    private final MethodHandle ibcast;
    private final MethodHandle ibarrier;
    private final MethodHandle test;
    private final int rank;
    private final int size;

    /** @param bf16 how 16-bit values are added */
    private Mpi(SymbolLookup library, Addition bf16) {
        this.library = library;
        this.world = symbol("ompi_mpi_comm_world");
        this.byteType = symbol("ompi_mpi_byte");
        MemorySegment provided = scratch();
        call("MPI_Init_thread", MemorySegment.NULL, MemorySegment.NULL, THREAD_MULTIPLE, provided);
        if (provided.get(JAVA_INT, 0) < THREAD_MULTIPLE) {
            throw new BadInput("this build of Open MPI may be called by one thread only (MPI_THREAD_MULTIPLE is missing); install one with threads, as"
                    + " the distributions have it");
        }
        call("MPI_Comm_set_errhandler", world, symbol("ompi_mpi_errors_return"));
        this.floats = new Summands(symbol("ompi_mpi_float"), symbol("ompi_mpi_op_sum"));
        this.shorts = new Summands(symbol("ompi_mpi_uint16_t"), operation(bf16));
        this.iallreduce = handle("MPI_Iallreduce", ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
        this.ibcast = handle("MPI_Ibcast", ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, ADDRESS);
        this.ibarrier = handle("MPI_Ibarrier", ADDRESS, ADDRESS);
        this.test = handle("MPI_Test", ADDRESS, ADDRESS, ADDRESS);
        this.rank = number("MPI_Comm_rank");
        this.size = number("MPI_Comm_size");
    }

    /**
     * Joins the processes that {@code mpirun} or its like started together with this one. Once in a process's life.
     *
     * @throws BadInput where Open MPI is not installed
     */
    public static Mpi init(Addition bf16) {
        StringBuilder reasons = new StringBuilder();
        String named = System.getProperty(PROPERTY);
        for (String name : named == null ? NAMES : List.of(named)) {
            try {
                return new Mpi(SymbolLookup.libraryLookup(name, Arena.global()), bf16);
            } catch (IllegalArgumentException | NoSuchElementException _) { // not there, or another MPI's
                reasons.append(reasons.isEmpty() ? "" : ", ").append(name);
            }
        }
        throw BadInput.of("this process was started as one of several by an MPI launcher, but Open MPI's library is not found (looked for %s where"
                + " the loader looks); install Open MPI (Debian: libopenmpi3) on every machine, name its folder in LD_LIBRARY_PATH,"
                    + " or the file by -D" + PROPERTY, reasons);
    }

    public int rank() {
        return rank;
    }

    public int size() {
        return size;
    }

    /** "Open MPI v4.1.4, package: …": the library's own words, the first line. */
    public String version() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(8192);
            call("MPI_Get_library_version", text, arena.allocate(JAVA_INT));
            return text.getString(0).lines().findFirst().orElse("").split(",")[0];
        }
    }

    /** Begins to replace {@code count} values by their sum over all processes. */
    public long startSumFloats(MemorySegment values, int count) {
        return start(values, count, floats);
    }

    /** The same for bf16 values. */
    public long startSumBf16(MemorySegment values, int count) {
        return start(values, count, shorts);
    }

    private long start(MemorySegment values, int count, Summands summands) {
        MemorySegment inPlace = MemorySegment.ofAddress(1); // MPI_IN_PLACE
        return started("MPI_Iallreduce", request -> (int) iallreduce.invokeExact(inPlace, values, count, summands.type, summands.sum, world, request));
    }

    /** Begins to copy {@code bytes} from process {@code root} to all. */
    public long startBroadcast(MemorySegment values, int bytes, int root) {
        return started("MPI_Ibcast", request -> (int) ibcast.invokeExact(values, bytes, byteType, root, world, request));
    }

    /** Begins to wait for all processes. */
    public long startBarrier() {
        return started("MPI_Ibarrier", request -> (int) ibarrier.invokeExact(world, request));
    }

    private interface Start {
        int start(MemorySegment request) throws Throwable;
    }

    private long started(String name, Start start) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = arena.allocate(ADDRESS);
            check(name, start.start(request));
            return request.get(JAVA_LONG, 0);
        } catch (MpiException e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Whether what began with {@code request} is done; then the request is gone. */
    public boolean test(long request) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment handle = arena.allocate(ADDRESS);
            MemorySegment done = arena.allocate(JAVA_INT);
            handle.set(JAVA_LONG, 0, request);
            check("MPI_Test", (int) test.invokeExact(handle, done, MemorySegment.NULL)); // MPI_STATUS_IGNORE
            return done.get(JAVA_INT, 0) != 0;
        } catch (MpiException e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Leaves; every process does, after its last call. */
    public void close() {
        call("MPI_Finalize");
    }

    /** Ends all processes at once, this one with exit code {@code code}. Any thread may call it. */
    public void abort(int code) {
        call("MPI_Abort", world, code);
    }

    private int number(String function) {
        MemorySegment value = scratch();
        call(function, world, value);
        return value.get(JAVA_INT, 0);
    }

    private static MemorySegment scratch() {
        return Arena.ofAuto().allocate(JAVA_LONG);
    }

    /** {@code void (void *other, void *values, int *count, MPI_Datatype *)}, for as long as the process lives. */
    private MemorySegment operation(Addition addition) {
        try {
            MethodHandle adding = MethodHandles.lookup().findStatic(Mpi.class, "add", MethodType.methodType(void.class, Addition.class,
                    MemorySegment.class, MemorySegment.class, MemorySegment.class, MemorySegment.class)).bindTo(addition);
            MemorySegment stub = LINKER.upcallStub(adding, FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, ADDRESS, ADDRESS), Arena.global());
            MemorySegment operation = scratch();
            call("MPI_Op_create", stub, 1, operation);
            return MemorySegment.ofAddress(operation.get(JAVA_LONG, 0));
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    private static void add(Addition addition, MemorySegment other, MemorySegment values, MemorySegment length, MemorySegment type) {
        int count = length.reinterpret(JAVA_INT.byteSize()).get(JAVA_INT, 0);
        long bytes = (long) BYTES_OF_16_BITS * count;
        addition.add(other.reinterpret(bytes), values.reinterpret(bytes), count);
    }

    private MemorySegment symbol(String name) {
        return library.findOrThrow(name);
    }

    private MethodHandle handle(String name, ValueLayout... arguments) {
        return LINKER.downcallHandle(symbol(name), FunctionDescriptor.of(JAVA_INT, arguments));
    }

    /** For calls that are made once or twice in a run: by the arguments' types. */
    private void call(String name, Object... arguments) {
        ValueLayout[] layouts = new ValueLayout[arguments.length];
        for (int i = 0; i < arguments.length; i++) {
            layouts[i] = arguments[i] instanceof Integer ? JAVA_INT : ADDRESS;
        }
        int status;
        try {
            status = (int) handle(name, layouts).invokeWithArguments(arguments);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
        check(name, status);
    }

    private void check(String name, int status) {
        if (status != 0) {
            throw new MpiException(name + ": " + text(status));
        }
    }

    private String text(int status) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(MAX_ERROR_TEXT);
            MemorySegment length = arena.allocate(JAVA_INT);
            int failed = (int) handle("MPI_Error_string", JAVA_INT, ADDRESS, ADDRESS).invokeExact(status, text, length);
            return failed == 0 ? text.getString(0) : "error " + status;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
