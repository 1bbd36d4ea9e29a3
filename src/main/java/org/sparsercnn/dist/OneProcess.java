package org.sparsercnn.dist;

import java.time.Duration;

/** Ranks that are threads of one process: nobody is to be told, but one of them may hang. */
final class OneProcess implements Line {
    private final Judge judge;
    private final Judge.Seen[] seen;
    private final String host = Host.name();
    private Watch watch;

    OneProcess(int ranks, Duration timeout) {
        this.judge = new Judge(timeout);
        this.seen = new Judge.Seen[ranks];
    }

    @Override
    public void open(Watch watch) {
        this.watch = watch;
    }

    @Override
    public void beat(int rank, Pulse.State state) {
        seen[rank] = new Judge.Seen(host, 0, state);
        if (rank == seen.length - 1) {
            judge.judge(seen).ifPresent(watch::fail);
        }
    }

    @Override
    public void tell(Failure failure) {}

    @Override
    public void part(Duration patience) {}

    @Override
    public void close() {}
}
