package org.sparsercnn.app;

import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Device;
import org.sparsercnn.dist.LocalGroup;

/** How the ranks of this process become members of the run's group. */
public interface Groups {
    /** PyTorch's default for its process groups: longer than any honest difference between ranks. */
    int TIMEOUT_SECONDS = 1800;

    /** Called once by each rank, in its own thread. */
    Collective join(int rank, Device device);

    /** Called when a rank has failed, by any thread and more than once: who waits for it gets an error instead. */
    void abort();

    /** All ranks are threads of this process whose devices compute in host memory. */
    static Groups local(int ranks, long timeoutSeconds) {
        LocalGroup group = new LocalGroup(ranks, timeoutSeconds);
        return new Groups() {
            @Override
            public Collective join(int rank, Device device) {
                return group.member(rank);
            }

            @Override
            public void abort() {
                group.abort();
            }
        };
    }
}
