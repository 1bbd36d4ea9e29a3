package org.sparsercnn.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.sparsercnn.ffi.cuda.CudaLibraries.Library;

class NcclTest {
    private final Arena arena = Arena.ofShared();
    private StandInLibrary standIn;
    private Nccl nccl;

    @BeforeEach
    void load() {
        standIn = StandInLibrary.of("libnccl.so.2", Library.NCCL);
        nccl = new Nccl();
    }

    @AfterEach
    void close() {
        standIn.close();
        arena.close();
    }

    private MemorySegment floats(float... values) {
        return arena.allocateFrom(JAVA_FLOAT, values);
    }

    @Test
    void tellsItsVersion() {
        assertThat(nccl.version()).isEqualTo(23007);
        assertThat(nccl.library().file()).hasFileName("libnccl.so.2");
    }

    @Test
    void ranksOfThreadsAddUpAndBroadcast() throws Exception {
        byte[] id = nccl.uniqueId();
        assertThat(id).hasSize(128).isNotEqualTo(nccl.uniqueId());
        List<Callable<float[]>> ranks = new ArrayList<>();
        for (int r = 0; r < 3; r++) {
            int rank = r;
            ranks.add(() -> {
                long comm = nccl.commInitRank(3, id, rank);
                MemorySegment values = floats(rank, 10 * rank, 1);
                nccl.allReduceSum(values.address(), values.address(), 3, NumberType.F32, comm, 0);
                MemorySegment copied = floats(rank, rank);
                nccl.broadcast(copied.address(), copied.address(), 8, 2, comm, 0);
                nccl.checkAsync(comm);
                nccl.commDestroy(comm);
                return new float[] {values.getAtIndex(JAVA_FLOAT, 0), values.getAtIndex(JAVA_FLOAT, 1), values.getAtIndex(JAVA_FLOAT, 2),
                    copied.getAtIndex(JAVA_FLOAT, 0), copied.getAtIndex(JAVA_FLOAT, 1)};
            });
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(3)) {
            for (Future<float[]> sum : threads.invokeAll(ranks)) assertThat(sum.get()).containsExactly(3, 30, 3, 2, 2);
        }
    }

    @Test
    void oneThreadSpeaksForAllRanksInAGroup() {
        long[] comms = nccl.commInitAll(0, 1);
        MemorySegment[] values = {arena.allocateFrom(JAVA_SHORT, (short) 0x3f80), arena.allocateFrom(JAVA_SHORT, (short) 0x4000)}; // 1, 2
        nccl.groupStart();
        for (int rank = 0; rank < 2; rank++) {
            nccl.allReduceSum(values[rank].address(), values[rank].address(), 1, NumberType.BF16, comms[rank], 0);
        }
        nccl.groupEnd();
        for (MemorySegment value : values) assertThat(value.get(JAVA_SHORT, 0)).isEqualTo((short) 0x4040); // 3
        for (long comm : comms) nccl.commAbort(comm);
    }

    @Test
    void failuresAreNamed() {
        assertThatThrownBy(() -> nccl.commInitRank(2, nccl.uniqueId(), 2)).isInstanceOf(CudaException.class)
                .hasMessageContaining("NCCL: ncclCommInitRank failed with ncclInvalidArgument (4): invalid argument");
        assertThatThrownBy(() -> nccl.commInitRank(2, new byte[64], 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> nccl.commInitAll(0, 0)).isInstanceOf(CudaException.class).hasMessageContaining("ncclInvalidUsage (5)");
        long comm = nccl.commInitAll(0)[0];
        standIn.call("standin_async_error", comm, 6L);
        assertThatThrownBy(() -> nccl.checkAsync(comm)).isInstanceOf(CudaException.class)
                .hasMessageContaining("ncclRemoteError (6): remote process exited");
        standIn.call("standin_async_error", comm, 7L);
        nccl.checkAsync(comm); // still at work
        nccl.commDestroy(comm);
    }
}
