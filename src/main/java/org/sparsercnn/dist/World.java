package org.sparsercnn.dist;

import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Lookout;
import org.sparsercnn.ffi.Mpi;
import org.sparsercnn.util.BadInput;

/**
 * The ranks that work together in a run, and this process's part in them: brings the processes together and keeps watch over them until
 * the run is over. Where one fails, all end within the timeout and {@link Watch#GRACE}.
 */
public final class World implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.dist");
    /** How much later than others a process may start, in timeouts. */
    private static final int PATIENCE = 5;
    private static final Duration PARTING = Duration.ofSeconds(2);
    private static final Duration ABORTING = Duration.ofSeconds(1);

    private final Launch launch;
    private final Watch watch;
    private final MpiProcesses mpi; // null: not by MPI
    private final Supplier<byte[]> ncclId;
    private byte[] madeId;
    private final LocalGroup threads;
    private final Thread endInFailure = new Thread(this::endInFailure, "end-in-failure");
    private volatile boolean over;
    private volatile boolean ranksEnded;

    private World(Launch launch, Watch watch, MpiProcesses mpi, Supplier<byte[]> ncclId) {
        this.launch = launch;
        this.watch = watch;
        this.mpi = mpi;
        this.ncclId = ncclId;
        this.threads = new LocalGroup(launch.here(), Judge.ALONE.toSeconds());
    }

    /** One rank, for what is not shared. */
    public static World alone() {
        return threads(1);
    }

    /** Ranks that are threads of this process. */
    public static World threads(int count) {
        return open(Launch.threads(count), Duration.ofMinutes(1), () -> new byte[Message.ID_BYTES]);
    }

    /**
     * Waits for the other processes.
     *
     * @param timeout for a sign of life of another rank
     * @param ncclId makes NCCL's id where this process has rank 0
     * @throws BadInput if a process does not come, or a library is missing
     */
    public static World open(Launch launch, Duration timeout, Supplier<byte[]> ncclId) {
        World world = switch (launch.kind()) {
            case ONE_PROCESS -> new World(launch, new Watch(0, launch.here(), timeout, new OneProcess(launch.here(), timeout)), null, ncclId);
            case MPI -> byMpi(launch, timeout, ncclId);
            case RENDEZVOUS -> byRendezvous(launch, timeout, ncclId);
        };
        world.start();
        return world;
    }

    private static World byMpi(Launch launch, Duration timeout, Supplier<byte[]> ncclId) {
        MpiProcesses processes = new MpiProcesses(Mpi.init(HostSums::addBf16));
        if (processes.mpi().size() != launch.size() || processes.mpi().rank() != launch.first()) {
            throw BadInput.of("the launcher says rank %d of %d, MPI says rank %d of %d: the library is not the launcher's; %s", launch.first(), launch.size(),
                    processes.mpi().rank(), processes.mpi().size(), "put the launcher's MPI first in LD_LIBRARY_PATH");
        }
        MpiProcesses.Meeting meeting = processes.meet(launch, timeout, timeout.multipliedBy(PATIENCE), ncclId);
        return new World(launch, new Watch(launch.first(), 1, timeout, meeting.line()), processes, meeting::ncclId);
    }

    private static World byRendezvous(Launch launch, Duration timeout, Supplier<byte[]> ncclId) {
        DistUrl url = launch.url().orElseThrow();
        JobToken token = JobToken.of(launch.secret());
        Duration patience = timeout.multipliedBy(PATIENCE);
        Line line;
        byte[] id;
        if (launch.isMain()) {
            id = ncclId.get();
            Rendezvous rendezvous = new Rendezvous(url, token, launch.here(), launch.size(), id, timeout);
            rendezvous.awaitAll(patience);
            line = rendezvous;
        } else {
            Guest guest = Guest.join(url, token, launch.first(), launch.here(), launch.size(), timeout, patience);
            id = guest.id();
            line = guest;
        }
        return new World(launch, new Watch(launch.first(), launch.here(), timeout, line), null, () -> id);
    }

    private void start() {
        watch.whenFailed(threads::abort);
        if (launch.size() == 1) {
            return;
        }
        if (isShared()) {
            Runtime.getRuntime().addShutdownHook(endInFailure);
        }
        watch.whenFailed(() -> Thread.ofPlatform().daemon().name("last-resort").start(this::endStuck));
        watch.start();
    }

    /** Says who takes part, where that is more than one rank. */
    public void tell() {
        if (launch.size() > 1) {
            LOG.info("Ranks: {}{}", launch.describe(), mpi == null ? "" : ": " + mpi.mpi().version());
        }
    }

    public Launch launch() {
        return launch;
    }

    public int size() {
        return launch.size();
    }

    /** Whether more processes than this one have a part in the run. */
    public boolean isShared() {
        return launch.here() < launch.size();
    }

    /** That all ranks join by. */
    public synchronized byte[] ncclId() {
        madeId = madeId == null ? ncclId.get() : madeId;
        return madeId.clone();
    }

    /**
     * Every rank says what is true of all or of none.
     *
     * @throws BadInput where MPI brought ranks together that differ in that
     */
    public void requireAll(boolean here, String what) {
        if (mpi != null) {
            int saying;
            try (Lookout.Wait wait = watch.lookout(launch.first()).begin()) {
                saying = Math.round(mpi.sum(here ? 1 : 0, wait::check));
            }
            if (saying != 0 && saying != launch.size()) {
                throw BadInput.of("only a part of the ranks %s (%d of %d), this one %s; ask for the same --device on all", what, saying, launch.size(),
                        here ? "does" : "does not");
            }
        }
    }

    /** What one of this process's ranks asks while it waits for others. */
    public Lookout lookout(int rank) {
        return watch.lookout(rank);
    }

    /**
     * The group of devices that compute in host memory, for one of this process's ranks.
     *
     * @throws BadInput where nothing carries sums between such processes
     */
    public Collective hostGroup(int rank) {
        return switch (launch.kind()) {
            case ONE_PROCESS -> threads.member(rank, watch.lookout(rank));
            case MPI -> new MpiGroup(mpi.mpi(), watch.lookout(rank));
            case RENDEZVOUS -> throw new BadInput("ranks in several processes that compute on the CPU talk to each other by MPI: start them with mpirun;"
                    + " on GPUs they talk by NCCL");
        };
    }

    /** The run of one of this process's ranks has begun: an error from now on is one that stopped it, and lateness is one. */
    public void begin(int rank) {
        watch.begin(rank);
    }

    /** Done at once when the run fails on whatever rank. */
    public void whenFailed(Runnable action) {
        watch.whenFailed(action);
    }

    /** A rank of this process fails: ends all of them. Returns what is told, the first failure of all. */
    public Failure fail(int rank, Throwable thrown) {
        watch.fail(Failure.of(rank, Host.name(), thrown, watch.hasBegun()));
        return watch.failure().orElseThrow();
    }

    public Optional<Failure> failure() {
        return watch.failure();
    }

    /** Whether it is this process that speaks to people: that of rank 0, or the next one where that is lost. */
    public boolean speaks() {
        return !watch.isGivenUp() && (launch.isMain() || watch.isMainLost() && launch.first() == launch.here());
    }

    /** All ranks of this process have come to their end, good or bad. */
    public void ranksEnded() {
        ranksEnded = true;
        if (!isShared()) {
            watch.close();
        }
    }

    /** After a failure, last of all: what was to be said has been said. */
    private void endInFailure() {
        watch.failure().filter(_ -> !over).ifPresent(failure -> {
            Thread leaving = Thread.ofPlatform().daemon().name("leaving").start(() -> {
                watch.part(PARTING);
                if (mpi != null) {
                    mpi.mpi().abort(failure.exitCode());
                }
            });
            try {
                leaving.join(PARTING.plus(ABORTING)); // MPI may wait for a machine that is gone
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        });
    }

    /** A rank of this process does not heed that the run has failed. */
    private void endStuck() {
        try {
            Thread.sleep(Watch.GRACE.minus(PARTING).minus(ABORTING));
            while (!isShared() && !ranksEnded && watch.hasBegun() && watch.isOneAlone()) { // saves what there is
                Thread.sleep(Duration.ofMillis(100));
            }
        } catch (InterruptedException _) {
            return;
        }
        if (ranksEnded && !isShared()) {
            return;
        }
        Failure failure = watch.failure().orElseThrow();
        if (speaks() && !ranksEnded) { // else it is being said
            System.err.println("error: " + failure.message());
        }
        endInFailure();
        Runtime.getRuntime().halt(failure.exitCode());
    }

    /** Waits for the others; nothing is left to do for the run. */
    @Override
    public void close() {
        if (watch.failure().isPresent()) {
            return;
        }
        if (mpi != null) {
            mpi.mpi().close();
        }
        over = true;
        if (isShared()) {
            watch.close();
            try {
                Runtime.getRuntime().removeShutdownHook(endInFailure);
            } catch (IllegalStateException _) { // it ends already
            }
        }
    }
}
