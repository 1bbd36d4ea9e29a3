package org.sparsercnn.app;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Lookout;
import org.sparsercnn.device.cuda.CudaDevice;
import org.sparsercnn.device.cuda.NcclGroup;
import org.sparsercnn.ffi.cuda.NcclCalls;
import org.sparsercnn.util.GuardStop;

/** GPUs of this process, a thread each, behind NCCL. When one fails or is late, every other gets a {@link GuardStop}. */
public final class GpuGroup implements Groups {
    private final NcclCalls nccl;
    private final byte[] uniqueId;
    private final int size;
    private final long timeoutSeconds;
    private final List<NcclGroup> members = new CopyOnWriteArrayList<>();
    private volatile boolean failed;

    public GpuGroup(NcclCalls nccl, int size, long timeoutSeconds) {
        this.nccl = nccl;
        this.uniqueId = nccl.uniqueId();
        this.size = size;
        this.timeoutSeconds = timeoutSeconds;
    }

    /** Makes {@code device}, a GPU, rank {@code rank} of a group whose ranks may be of any process. */
    static NcclGroup member(NcclCalls nccl, Device device, byte[] uniqueId, int rank, int size, Lookout lookout) {
        if (device instanceof CudaDevice gpu) {
            return gpu.join(nccl, uniqueId, rank, size, lookout);
        }
        throw new IllegalArgumentException("rank " + rank + " computes on " + device.name() + ", and NCCL needs a GPU");
    }

    @Override
    public Collective join(int rank, Device device) {
        NcclGroup member = member(nccl, device, uniqueId, rank, size, () -> new Wait(rank));
        members.add(member);
        if (failed) {
            member.abort();
        }
        return member;
    }

    @Override
    public void abort() {
        failed = true;
        members.forEach(NcclGroup::abort); // their threads may be held by a queue that is full behind a sum
    }

    private final class Wait implements Lookout.Wait {
        private final int rank;
        private final long begin = System.nanoTime();

        Wait(int rank) {
            this.rank = rank;
        }

        @Override
        public void check() {
            if (failed) {
                throw new GuardStop("replica " + rank + ": another replica failed");
            }
            if (System.nanoTime() - begin > TimeUnit.SECONDS.toNanos(timeoutSeconds)) {
                throw new GuardStop("replica " + rank + ": the others did not answer in " + timeoutSeconds + " s");
            }
        }

        @Override
        public void close() {}
    }
}
