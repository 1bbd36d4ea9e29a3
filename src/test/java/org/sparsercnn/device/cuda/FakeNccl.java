package org.sparsercnn.device.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.sparsercnn.ffi.cuda.CudaException;
import org.sparsercnn.ffi.cuda.NcclCalls;
import org.sparsercnn.ffi.cuda.NumberType;
import org.sparsercnn.testing.Bf16;

/**
 * NCCL over null drivers, for ranks that are threads of this process. A collective holds its stream until all ranks' streams have come
 * to theirs. It is strict, as {@link NullDriver} is: no call before the last one is done, none after the communicator is gone; and it
 * writes down what is called.
 */
public final class FakeNccl implements NcclCalls {
    private record Part(long send, long receive) {}

    /** A collective of all ranks. */
    private static final class Meeting {
        final Part[] parts;
        int arrived;

        Meeting(int size) {
            parts = new Part[size];
        }
    }

    private static final class Group {
        final int size;
        int joined;
        final Map<Integer, Meeting> meetings = new HashMap<>();

        Group(int size) {
            this.size = size;
        }
    }

    private static final class Comm {
        final Group group;
        final int rank;
        final NullDriver driver;
        int meetings;
        int busy;
        Runnable inHand;
        boolean finalized;
        boolean gone;

        Comm(Group group, int rank, NullDriver driver) {
            this.group = group;
            this.rank = rank;
            this.driver = driver;
        }
    }

    private final Map<String, Group> groups = new HashMap<>();
    private final Map<Long, Comm> comms = new HashMap<>();
    private final List<String> calls = Collections.synchronizedList(new ArrayList<>());
    private int ids;
    private int slow;
    private CudaException error;

    /** What was called, but for {@link #isReady}. */
    List<String> calls() {
        return calls;
    }

    long count(String call) {
        return calls.stream().filter(c -> c.startsWith(call)).count();
    }

    /** From now on a collective is on its stream only when it was asked for so often whether it is. */
    synchronized void slow(int polls) {
        slow = polls;
    }

    /** What has gone wrong behind an earlier call, from now on. */
    synchronized void fail(int code, String name) {
        error = new CudaException("NCCL", "a call", code, name, "as the test asked for");
    }

    @Override
    public synchronized byte[] uniqueId() {
        return Arrays.copyOf(("group " + ids++).getBytes(StandardCharsets.US_ASCII), 128);
    }

    @Override
    public synchronized long commInit(int ranks, byte[] uniqueId, int rank) {
        calls.add("init " + rank + " of " + ranks);
        Group group = groups.computeIfAbsent(new String(uniqueId, StandardCharsets.US_ASCII), _ -> new Group(ranks));
        group.joined++;
        long handle = 7000 + comms.size();
        comms.put(handle, new Comm(group, rank, NullDriver.ofThread()));
        return handle;
    }

    private Comm comm(long handle, String call) {
        Comm comm = comms.get(handle);
        if (comm == null || comm.gone) {
            throw new AssertionError(call + " of a communicator that is gone");
        }
        return comm;
    }

    @Override
    public synchronized boolean isReady(long handle) {
        Comm comm = comm(handle, "isReady");
        if (error != null) {
            throw error;
        }
        if (comm.inHand != null && --comm.busy <= 0) {
            Runnable queued = comm.inHand;
            comm.inHand = null;
            queued.run();
        }
        return comm.inHand == null && comm.group.joined == comm.group.size;
    }

    private synchronized void collective(String name, long handle, long stream, Part part, long sent, long received, Consumer<Part[]> work) {
        calls.add(name);
        Comm comm = comm(handle, name);
        if (comm.inHand != null || comm.finalized || comm.group.joined < comm.group.size) {
            throw new AssertionError(name + " before the communicator was ready, or after its end");
        }
        comm.driver.requireHeld(part.send, sent, name + ", sent");
        comm.driver.requireHeld(part.receive, received, name + ", received");
        Meeting meeting = comm.group.meetings.computeIfAbsent(comm.meetings++, _ -> new Meeting(comm.group.size));
        Runnable queue = () -> comm.driver.enqueue(stream, name + " stream " + stream, () -> met(comm, meeting, part, work), () -> {});
        if (slow > 0) {
            comm.inHand = queue;
            comm.busy = slow;
        } else {
            queue.run();
        }
    }

    /** Whether the stream can go on: all have come, or the communicator was aborted. */
    private synchronized boolean met(Comm comm, Meeting meeting, Part part, Consumer<Part[]> work) {
        if (!comm.gone && meeting.parts[comm.rank] == null) {
            meeting.parts[comm.rank] = part;
            if (++meeting.arrived == comm.group.size) {
                work.accept(meeting.parts);
            }
        }
        return comm.gone || meeting.arrived == comm.group.size;
    }

    private static float value(long address, long i, NumberType type) {
        MemorySegment memory = NullDriver.memory(address, (i + 1) * bytes(type));
        return type == NumberType.BF16 ? Bf16.value(memory.getAtIndex(ValueLayout.JAVA_SHORT, i)) : memory.getAtIndex(ValueLayout.JAVA_FLOAT, i);
    }

    private static void put(long address, long i, NumberType type, float value) {
        MemorySegment memory = NullDriver.memory(address, (i + 1) * bytes(type));
        if (type == NumberType.BF16) {
            memory.setAtIndex(ValueLayout.JAVA_SHORT, i, Bf16.bits(value));
        } else {
            memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
        }
    }

    private static int bytes(NumberType type) {
        return type == NumberType.BF16 ? Short.BYTES : Float.BYTES;
    }

    private static float sum(Part[] parts, long i, NumberType type) {
        float sum = 0;
        for (Part part : parts) {
            sum += value(part.send, i, type);
        }
        return sum;
    }

    @Override
    public void allReduceSum(long send, long receive, long count, NumberType type, long comm, long stream) {
        long bytes = count * bytes(type);
        collective("allReduce " + count + " " + type, comm, stream, new Part(send, receive), bytes, bytes, parts -> {
            for (long i = 0; i < count; i++) {
                float sum = sum(parts, i, type);
                for (Part part : parts) {
                    put(part.receive, i, type, sum);
                }
            }
        });
    }

    @Override
    public void reduceScatterSum(long send, long receive, long count, NumberType type, long comm, long stream) {
        throw new UnsupportedOperationException("a group has no use for it");
    }

    @Override
    public void allGather(long send, long receive, long bytes, long comm, long stream) {
        throw new UnsupportedOperationException("a group has no use for it");
    }

    @Override
    public void broadcast(long send, long receive, long bytes, int root, long comm, long stream) {
        collective("broadcast " + bytes + " from " + root, comm, stream, new Part(send, receive), bytes, bytes, parts -> {
            for (Part part : parts) {
                NullDriver.memory(part.receive, bytes).copyFrom(NullDriver.memory(parts[root].send, bytes));
            }
        });
    }

    @Override
    public synchronized void commFinalize(long comm) {
        calls.add("finalize");
        comm(comm, "finalize").finalized = true;
    }

    @Override
    public synchronized void commDestroy(long handle) {
        calls.add("destroy");
        Comm comm = comm(handle, "destroy");
        if (!comm.finalized) {
            throw new AssertionError("destroy before finalize");
        }
        comm.gone = true;
    }

    @Override
    public synchronized void commAbort(long comm) {
        calls.add("abort");
        comm(comm, "abort").gone = true;
    }
}
