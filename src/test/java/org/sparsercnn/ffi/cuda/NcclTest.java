package org.sparsercnn.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.ffi.NativeLibraries;
import org.sparsercnn.ffi.cuda.CudaLibraries.Library;
import org.sparsercnn.util.BadInput;

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

    /** What a rank does with its communicator. */
    @FunctionalInterface
    private interface Work {
        float[] with(long comm);
    }

    /** Each rank of so many in a thread of its own, joined one after the other. @return what each found */
    private List<float[]> ranks(int count, IntFunction<Work> work) throws Exception {
        byte[] id = nccl.uniqueId();
        List<Callable<float[]>> ranks = new ArrayList<>();
        for (int r = 0; r < count; r++) {
            int rank = r;
            ranks.add(() -> {
                long comm = nccl.commInit(count, id, rank);
                await(comm);
                float[] found = work.apply(rank).with(comm);
                await(comm);
                nccl.commFinalize(comm);
                await(comm);
                nccl.commDestroy(comm);
                return found;
            });
        }
        List<float[]> found = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(count)) {
            for (Future<float[]> rank : threads.invokeAll(ranks)) found.add(rank.get());
        }
        return found;
    }

    private void await(long comm) {
        while (!nccl.isReady(comm)) Thread.onSpinWait();
    }

    @Test
    void ranksOfThreadsAddUpAndBroadcast() throws Exception {
        assertThat(nccl.uniqueId()).hasSize(128).isNotEqualTo(nccl.uniqueId());
        List<float[]> found = ranks(3, rank -> comm -> {
            MemorySegment values = floats(rank, 10 * rank, 1);
            nccl.allReduceSum(values.address(), values.address(), 3, NumberType.F32, comm, 0);
            MemorySegment copied = floats(rank, rank);
            nccl.broadcast(copied.address(), copied.address(), 8, 2, comm, 0);
            return new float[] {values.getAtIndex(JAVA_FLOAT, 0), values.getAtIndex(JAVA_FLOAT, 1), values.getAtIndex(JAVA_FLOAT, 2),
                copied.getAtIndex(JAVA_FLOAT, 0), copied.getAtIndex(JAVA_FLOAT, 1)};
        });
        assertThat(found).hasSize(3).allSatisfy(rank -> assertThat(rank).containsExactly(3, 30, 3, 2, 2));
    }

    @Test
    void aSumIsScatteredAndGatheredAgain() throws Exception {
        List<float[]> found = ranks(2, rank -> comm -> {
            MemorySegment values = floats(1 + rank, 2 + rank, 3 + rank, 4 + rank);
            MemorySegment piece = values.asSlice(8L * rank, 8); // in place
            nccl.reduceScatterSum(values.address(), piece.address(), 2, NumberType.F32, comm, 0);
            float[] own = piece.toArray(JAVA_FLOAT);
            nccl.allGather(piece.address(), values.address(), 8, comm, 0);
            float[] all = values.toArray(JAVA_FLOAT);
            return new float[] {own[0], own[1], all[0], all[1], all[2], all[3]};
        });
        assertThat(found.get(0)).containsExactly(3, 5, 3, 5, 7, 9);
        assertThat(found.get(1)).containsExactly(7, 9, 3, 5, 7, 9);
    }

    @Test
    void bf16IsAddedToo() throws Exception {
        assertThat(ranks(2, rank -> comm -> {
            MemorySegment value = arena.allocateFrom(JAVA_SHORT, (short) (rank == 0 ? 0x3f80 : 0x4000)); // 1, 2
            nccl.allReduceSum(value.address(), value.address(), 1, NumberType.BF16, comm, 0);
            return new float[] {Float.intBitsToFloat(value.get(JAVA_SHORT, 0) << 16)};
        })).allSatisfy(sum -> assertThat(sum).containsExactly(3));
    }

    @Test
    void aRankThatIsMissingHoldsNobody() {
        long comm = nccl.commInit(2, nccl.uniqueId(), 0);
        assertThat(nccl.isReady(comm)).isFalse();
        nccl.commAbort(comm);
    }

    @Test
    void failuresAreNamed() {
        assertThatThrownBy(() -> nccl.commInit(2, nccl.uniqueId(), 2)).isInstanceOf(CudaException.class)
                .hasMessageContaining("NCCL: ncclCommInitRankConfig failed with ncclInvalidArgument (4): invalid argument");
        assertThatThrownBy(() -> nccl.commInit(2, new byte[64], 0)).isInstanceOf(IllegalArgumentException.class);
        long comm = nccl.commInit(1, nccl.uniqueId(), 0);
        standIn.call("standin_async_error", comm, 6L);
        assertThatThrownBy(() -> nccl.isReady(comm)).isInstanceOf(CudaException.class)
                .hasMessageContaining("ncclRemoteError (6): remote process exited");
        standIn.call("standin_async_error", comm, 7L);
        assertThat(nccl.isReady(comm)).isFalse();
        assertThatThrownBy(() -> nccl.commDestroy(comm)).isInstanceOf(CudaException.class); // as long as it was not finalized
        nccl.commAbort(comm);
    }

    /** Another library plays the part of an NCCL without the function. */
    @Test
    void anOldVersionIsToldWhatIsWanted(@TempDir Path folder) throws IOException {
        Path other = NativeLibraries.find("libnvidia-ml.so.1").orElseThrow();
        Files.copy(other, folder.resolve("libnccl.so.2"));
        System.setProperty(CudaLibraries.PATH_PROPERTY, folder.toString());
        assertThatThrownBy(Nccl::new).isInstanceOf(BadInput.class).hasMessageContaining("NCCL is too old (" + folder.toRealPath())
                .hasMessageContaining("2.14 or newer").hasMessageContaining("pip install nvidia-nccl-cu13");
    }
}
