package org.sparsercnn.app;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cuda.CudaDevice;
import org.sparsercnn.device.cuda.NcclGroup;
import org.sparsercnn.dist.Failure;
import org.sparsercnn.dist.Launch;
import org.sparsercnn.dist.World;
import org.sparsercnn.ffi.cuda.Nccl;
import org.sparsercnn.ffi.cuda.NcclCalls;

/** The same work by several ranks: each a thread of this process, which may be one of several. The first failure ends them all. */
public final class Ranks {
    /**
     * One of this process's ranks.
     *
     * @param place among them, from 0
     */
    public record Rank(World world, int number, int place) {
        boolean isMain() {
            return number == 0;
        }

        /** Opens its device. */
        Device open(DeviceChoice choice, Config config) {
            return choice.open(config, world.launch(), place);
        }

        /** Its group. Every rank joins once, and leaves before its device's memory is freed. */
        Collective join(Device device) {
            if (world.size() == 1) {
                return Collective.OF_ONE;
            }
            boolean gpu = device instanceof CudaDevice;
            world.requireAll(gpu, "computes on a GPU");
            return gpu ? join((CudaDevice) device, new Nccl()) : world.hostGroup(number);
        }

        /** The group of GPUs, by NCCL. */
        public Collective join(CudaDevice gpu, NcclCalls nccl) {
            NcclGroup group = gpu.join(nccl, world.ncclId(), number, world.size(), world.lookout(number));
            world.whenFailed(group::abort); // its thread may be held by a queue that is full behind a sum
            return group;
        }

        /** Tells of a failure before the rank leaves its group, since that may wait for sums that others will not join. */
        public void guard(Runnable work) {
            try {
                work.run();
            } catch (RuntimeException | Error e) {
                world.fail(number, e);
                throw e;
            }
        }
    }

    private final World world;
    private final List<Throwable> failures = new ArrayList<>();

    private Ranks(World world) {
        this.world = world;
    }

    /**
     * Does what a command does, together with the other processes of the run, if there are any. Of these only one speaks to people: the
     * others' log goes to files.
     *
     * @param timeout for a sign of life of another rank
     * @param choice of this process's devices
     * @return the exit code
     */
    public static int together(Launch launch, Duration timeout, DeviceChoice choice, ToIntFunction<World> command) {
        choice.check(launch);
        if (!launch.isMain()) {
            Console.mute();
        }
        World world = World.open(launch, timeout, choice.ncclId(launch));
        try {
            int code = command.applyAsInt(world);
            world.close();
            return world.isShared() && world.failure().isPresent() ? failed(world, world.failure().get(), List.of()) : code;
        } catch (RuntimeException | Error e) {
            if (!world.isShared()) {
                world.ranksEnded();
                throw e;
            }
            return failed(world, world.fail(launch.first(), e), List.of(e));
        }
    }

    /** Throws what is to be said, where this process says it. */
    private static int failed(World world, Failure first, List<Throwable> own) {
        if (world.speaks()) {
            RuntimeException told = first.toException();
            own.forEach(told::addSuppressed);
            throw told;
        }
        return first.exitCode();
    }

    /**
     * Returns when every rank of this process is done; no thread is left behind.
     *
     * @throws RuntimeException what the first rank to fail threw; with several ranks, which one and why
     */
    public static void run(World world, Consumer<Rank> work) {
        Launch launch = world.launch();
        Ranks ranks = new Ranks(world);
        // The first too: a device may pin the thread it is used by, and the caller's should stay free.
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < launch.here(); i++) {
            Rank rank = new Rank(world, launch.first() + i, i);
            threads.add(Thread.ofPlatform().name("rank-" + rank.number).start(() -> ranks.guarded(rank, work)));
        }
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) { // the ranks must not be left behind, so they are told, and waited for
                    interrupted = true;
                    threads.forEach(Thread::interrupt);
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        world.ranksEnded();
        ranks.rethrow();
    }

    private void guarded(Rank rank, Consumer<Rank> work) {
        try {
            work.accept(rank);
        } catch (Throwable e) {
            synchronized (failures) {
                failures.add(e);
            }
            world.fail(rank.number, e);
        }
    }

    private void rethrow() {
        if (failures.isEmpty()) {
            return;
        }
        Throwable first = failures.getFirst();
        if (world.size() > 1) {
            RuntimeException told = world.failure().orElseThrow().toException();
            told.addSuppressed(first);
            throw told;
        }
        switch (first) {
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(first);
        }
    }
}
