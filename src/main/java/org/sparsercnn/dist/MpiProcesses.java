package org.sparsercnn.dist;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.sparsercnn.ffi.Mpi;
import org.sparsercnn.util.BadInput;

/** Processes that MPI has brought together, before they have devices: tell each other where their watches meet, and NCCL's id. */
record MpiProcesses(Mpi mpi) {
    private static final long PAUSE_NS = 100_000;
    private static final int HOST_BYTES = 256;

    record Meeting(Line line, byte[] ncclId) {}

    /** @throws BadInput if rank 0 cannot wait for the others, or another does not reach it */
    Meeting meet(Launch launch, Duration timeout, Duration patience, Supplier<byte[]> ncclId) {
        if (launch.size() == 1) {
            return new Meeting(new OneProcess(1, timeout), ncclId.get());
        }
        boolean oneHost = launch.localSize() == launch.size();
        Runnable deadline = deadline(patience);
        if (mpi.rank() == 0) {
            JobToken token = JobToken.random();
            byte[] id = ncclId.get();
            DistUrl wanted = launch.url().orElseGet(() -> new DistUrl(oneHost ? "127.0.0.1" : address(), 0));
            Rendezvous rendezvous = new Rendezvous(wanted, token, 1, launch.size(), id, timeout);
            shareText(new DistUrl(wanted.host(), rendezvous.port()).toString(), deadline);
            share(token.toBytes(), deadline);
            rendezvous.awaitAll(patience);
            return new Meeting(rendezvous, id);
        }
        String url = shareText("", deadline); // where rank 0 cannot begin it ends, and the launcher ends this process
        JobToken token = JobToken.ofBytes(share(new byte[JobToken.BYTES], deadline));
        Guest guest = Guest.join(DistUrl.parse(url), token, launch.first(), 1, launch.size(), timeout, patience);
        return new Meeting(guest, guest.id());
    }

    private static Runnable deadline(Duration patience) {
        long end = System.nanoTime() + patience.toNanos();
        return () -> {
            if (System.nanoTime() > end) {
                throw BadInput.of("rank 0 has not told within %d s where the ranks meet: it did not start in order, or cannot be reached", patience.toSeconds());
            }
        };
    }

    /** Of rank 0. */
    private String shareText(String mine, Runnable check) {
        byte[] bytes = mine.getBytes(StandardCharsets.UTF_8);
        ByteBuffer all = ByteBuffer.allocate(4 + HOST_BYTES);
        int length = Math.min(bytes.length, HOST_BYTES);
        all.putInt(length).put(bytes, 0, length);
        ByteBuffer got = ByteBuffer.wrap(share(all.array(), check));
        byte[] text = new byte[got.getInt()];
        got.get(text);
        return new String(text, StandardCharsets.UTF_8);
    }

    /** In memory that stays, as the call may outlast us. */
    private byte[] share(byte[] mine, Runnable check) {
        MemorySegment bytes = Arena.global().allocateFrom(ValueLayout.JAVA_BYTE, mine);
        await(mpi.startBroadcast(bytes, mine.length, 0), check);
        return bytes.toArray(ValueLayout.JAVA_BYTE);
    }

    /**
     * Over all processes.
     *
     * @param check called while the others are waited for; may throw
     */
    float sum(float mine, Runnable check) {
        MemorySegment value = Arena.global().allocateFrom(ValueLayout.JAVA_FLOAT, mine);
        await(mpi.startSumFloats(value, 1), check);
        return value.get(ValueLayout.JAVA_FLOAT, 0);
    }

    private void await(long request, Runnable check) {
        while (!mpi.test(request)) {
            check.run();
            LockSupport.parkNanos(PAUSE_NS);
        }
    }

    /** One that other machines may reach this one by: the first that is not its own alone, IPv4 before IPv6. */
    private static String address() {
        try {
            return NetworkInterface.networkInterfaces().filter(MpiProcesses::isUp).flatMap(NetworkInterface::inetAddresses)
                    .filter(a -> !a.isLoopbackAddress() && !a.isLinkLocalAddress()).sorted((a, b) -> Boolean.compare(b instanceof Inet4Address, a instanceof Inet4Address))
                    .map(InetAddress::getHostAddress).map(a -> a.split("%")[0]).findFirst()
                    .orElseThrow(() -> new BadInput("rank 0 has no address that other machines could reach; name one by --dist-url tcp://ADDRESS:0"));
        } catch (SocketException e) {
            throw new BadInput("the network's interfaces cannot be read: " + e.getMessage() + "; name an address by --dist-url tcp://ADDRESS:0", e);
        }
    }

    private static boolean isUp(NetworkInterface network) {
        try {
            return network.isUp() && !network.isLoopback();
        } catch (SocketException e) {
            return false;
        }
    }
}
