package org.sparsercnn.benchmarks.scale;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.Locale;
import java.util.StringJoiner;

/**
 * Measures sums of fp32 values over the processes that mpirun started, and prints them as {@link Scaling} takes them with
 * {@code --points}: bytes and the median of some seconds. Large sums go in pieces, since Open MPI is quicker so.
 *
 * <p>Usage: {@code MpiSums [LIBRARY]}, Open MPI's {@code libmpi.so.40} unless named.
 */
public final class MpiSums {
    private static final int[] BYTES = {4 << 10, 64 << 10, 1 << 20, 4 << 20, 25 << 20, 100 << 20};
    private static final int PIECE_BYTES = 4 << 20;
    private static final int WARM_UP = 5;
    private static final int TIMES = 15;
    /** Open MPI's MPI_IN_PLACE. */
    private static final MemorySegment IN_PLACE = MemorySegment.ofAddress(1);

    private final SymbolLookup mpi;
    private final MethodHandle sum;

    private MpiSums(String library) {
        mpi = SymbolLookup.libraryLookup(library, Arena.global());
        sum = function("MPI_Allreduce", ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS,
                ValueLayout.ADDRESS);
    }

    private MethodHandle function(String name, MemoryLayout... arguments) {
        return Linker.nativeLinker().downcallHandle(symbol(name), FunctionDescriptor.of(ValueLayout.JAVA_INT, arguments));
    }

    private MemorySegment symbol(String name) {
        return mpi.find(name).orElseThrow(() -> new IllegalStateException("this libmpi has no " + name + "; Open MPI's is wanted"));
    }

    public static void main(String[] args) throws Throwable {
        new MpiSums(args.length > 0 ? args[0] : "libmpi.so.40").run();
    }

    private void run() throws Throwable {
        function("MPI_Init", ValueLayout.ADDRESS, ValueLayout.ADDRESS).invoke(MemorySegment.NULL, MemorySegment.NULL);
        StringJoiner points = new StringJoiner(",");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment values = arena.allocate(BYTES[BYTES.length - 1], 64);
            MemorySegment rank = arena.allocate(ValueLayout.JAVA_INT);
            function("MPI_Comm_rank", ValueLayout.ADDRESS, ValueLayout.ADDRESS).invoke(symbol("ompi_mpi_comm_world"), rank);
            for (int bytes : BYTES) {
                points.add(String.format(Locale.ROOT, "%d:%.3g", bytes, median(values, bytes)));
            }
            function("MPI_Finalize").invoke();
            if (rank.get(ValueLayout.JAVA_INT, 0) == 0) {
                System.out.println(points);
            }
        }
    }

    private double median(MemorySegment values, int bytes) throws Throwable {
        double[] seconds = new double[TIMES];
        for (int i = -WARM_UP; i < TIMES; i++) {
            long begin = System.nanoTime();
            for (int done = 0; done < bytes; done += PIECE_BYTES) {
                int code = (int) sum.invokeExact(IN_PLACE, values.asSlice(done), Math.min(PIECE_BYTES, bytes - done) / Float.BYTES,
                        symbol("ompi_mpi_float"), symbol("ompi_mpi_op_sum"), symbol("ompi_mpi_comm_world"));
                if (code != 0) {
                    throw new IllegalStateException("MPI_Allreduce of " + bytes + " bytes: error " + code);
                }
            }
            if (i >= 0) {
                seconds[i] = (System.nanoTime() - begin) * 1e-9;
            }
        }
        Arrays.sort(seconds);
        return seconds[TIMES / 2];
    }
}
