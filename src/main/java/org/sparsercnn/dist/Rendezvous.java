package org.sparsercnn.dist;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/**
 * Where the processes of a run meet, in that of rank 0: lets in who knows the job's token, each rank once; hands NCCL's id to all; and
 * then hears their heartbeats, tells them rank 0's, and hands the first failure around. At most as many peers as the world has ranks.
 */
final class Rendezvous implements Line {
    /** Who connects has something to say. */
    private static final Duration HANDSHAKE = Duration.ofSeconds(10);
    private static final int LOOK_MILLIS = 50;
    /** Strangers beside as many peers as there can be. */
    private static final int STRANGERS = 16;
    private static final int REFUSED_SHOWN = 5;

    /** A process that was let in. */
    private static final class Peer {
        private final Connection connection;
        private final int first;
        private final int ranks;
        private final CountDownLatch parted = new CountDownLatch(1);
        private volatile boolean done;

        Peer(Connection connection, int first, int ranks) {
            this.connection = connection;
            this.first = first;
            this.ranks = ranks;
        }
    }

    /** What was last heard of a rank. */
    private record Heard(String host, long at, Pulse.State state) {}

    private final ServerSocket server;
    private final JobToken token;
    private final byte[] id;
    private final Duration timeout;
    private final Judge judge;
    private final String[] hosts;
    private final Heard[] heard;
    private final List<Peer> peers = new CopyOnWriteArrayList<>();
    private final List<String> refused = new CopyOnWriteArrayList<>();
    private final Semaphore handshakes;
    private Watch watch;

    /**
     * Listens; {@link #awaitAll} waits for the others.
     *
     * @param own how many ranks this process has, from 0
     * @param size of the world
     * @throws BadInput if the address is not this machine's, or the port is taken
     */
    Rendezvous(DistUrl url, JobToken token, int own, int size, byte[] id, Duration timeout) {
        this.token = token;
        this.id = id.clone();
        this.timeout = timeout;
        this.judge = new Judge(timeout);
        this.handshakes = new Semaphore(size + STRANGERS);
        this.hosts = new String[size];
        this.heard = new Heard[size];
        InetSocketAddress address = url.resolve();
        for (int r = 0; r < own; r++) {
            hosts[r] = Host.name();
        }
        try {
            server = new ServerSocket();
            server.bind(address, size);
        } catch (IOException e) {
            throw new BadInput(url + ": rank 0 cannot wait for the others there: " + AtomicFiles.reason(e) + "; the port may be in use by another run,"
                    + " and the address must be one of the machine that rank 0 runs on", e);
        }
    }

    int port() {
        return server.getLocalPort();
    }

    /** @throws BadInput with the ranks that did not come in time */
    void awaitAll(Duration patience) {
        long end = System.nanoTime() + patience.toNanos();
        try (server) {
            server.setSoTimeout(LOOK_MILLIS);
            while (!missing().isEmpty()) {
                if (System.nanoTime() > end) {
                    peers.forEach(peer -> quietly(() -> peer.connection.send(Message.failed(new Failure(0, Host.name(), incomplete(patience), Failure.REFUSED)))));
                    throw new BadInput(incomplete(patience));
                }
                try {
                    receive(server.accept());
                } catch (SocketTimeoutException _) { // none came; those who came before may have been let in meanwhile
                }
            }
        } catch (IOException e) {
            throw new BadInput("waiting for the other ranks: " + AtomicFiles.reason(e), e);
        }
    }

    /** Beside others: a stranger who connects and says nothing keeps no one waiting, and has to go soon. */
    private void receive(Socket socket) {
        if (!handshakes.tryAcquire()) {
            quietly(socket::close);
            return;
        }
        Thread guest = Thread.ofVirtual().start(() -> {
            try {
                welcome(socket);
            } finally {
                handshakes.release();
            }
        });
        Thread.ofVirtual().start(() -> {
            try {
                if (!guest.join(HANDSHAKE)) {
                    socket.close();
                }
            } catch (InterruptedException | IOException _) { // it goes with the process
            }
        });
    }

    private String incomplete(Duration patience) {
        return "of " + hosts.length + " ranks, " + missing() + " did not come to " + server.getLocalSocketAddress() + " within " + patience.toSeconds() + " s"
                + (refused.isEmpty() ? "; were they started, with the same --dist-url, and can they reach this machine at that port?"
                        : "; refused were: " + String.join("; ", refused));
    }

    /** "1-3, 5" */
    private synchronized String missing() {
        List<String> ranges = new ArrayList<>();
        for (int r = 0; r < hosts.length; r++) {
            int from = r;
            while (r < hosts.length && hosts[r] == null) {
                r++;
            }
            if (r > from) {
                ranges.add(r - from == 1 ? "" + from : from + "-" + (r - 1));
            }
        }
        return String.join(", ", ranges);
    }

    private void welcome(Socket socket) {
        try {
            Connection connection = new Connection(socket, HANDSHAKE);
            Message hello = connection.read();
            String objection = admit(hello, connection);
            if (!objection.isEmpty()) {
                refuse(connection.peer() + ": " + objection);
                connection.send(Message.refused(objection));
                connection.close();
            }
        } catch (IOException e) { // a port scanner, or a process that died
            refuse(socket.getInetAddress().getHostAddress() + ": " + AtomicFiles.reason(e));
            quietly(socket::close);
        }
    }

    private void refuse(String whom) {
        if (refused.size() < REFUSED_SHOWN) {
            refused.add(whom);
        }
    }

    /**
     * Welcomes it before it counts as here: once all are, they are sent beats.
     *
     * @return why not; empty if it was let in
     */
    private synchronized String admit(Message hello, Connection connection) throws IOException {
        String objection = objection(hello);
        if (objection.isEmpty()) {
            connection.send(Message.welcome(id, Host.name()));
            connection.patience(timeout);
            int ranks = (int) hello.a();
            peers.add(new Peer(connection, hello.rank(), ranks));
            IntStream.range(hello.rank(), hello.rank() + ranks).forEach(r -> hosts[r] = hello.host());
        }
        return objection;
    }

    private String objection(Message hello) {
        if (hello.kind() != Message.Kind.HELLO || !hello.knows(token)) {
            return "it belongs to another job";
        }
        if (hello.b() != hosts.length) {
            return "it was started for " + hello.b() + " ranks, rank 0 for " + hosts.length;
        }
        int first = hello.rank();
        if (first < 0 || first >= hosts.length || hello.a() < 1 || hello.a() > hosts.length - first) {
            return "it comes as rank " + first + " and has " + hello.a() + ", of " + hosts.length;
        }
        int end = first + (int) hello.a();
        for (int r = first; r < end; r++) {
            if (hosts[r] != null) {
                return "rank " + r + " is here already, from " + hosts[r] + ": each machine needs a --machine-rank of its own";
            }
        }
        return "";
    }

    @Override
    public void open(Watch watch) {
        this.watch = watch;
        long now = System.nanoTime();
        synchronized (heard) {
            for (int r = 0; r < heard.length; r++) {
                heard[r] = new Heard(hosts[r], now, new Pulse.State(0, -1, 0, 0));
            }
        }
        peers.forEach(peer -> Thread.ofVirtual().name("rank-" + peer.first).start(() -> listen(peer)));
    }

    private void listen(Peer peer) {
        String reason;
        try {
            while (true) {
                Message message = peer.connection.read();
                switch (message.kind()) {
                    case BEAT -> hear(peer, message);
                    case FAILED -> fail(peer, message.failure());
                    case BYE -> {
                        peer.done = true;
                        peer.parted.countDown();
                        forget(peer);
                    }
                    default -> throw new IOException("sent " + message.kind());
                }
            }
        } catch (IOException e) {
            reason = Connection.lost(e, timeout);
        }
        peer.parted.countDown();
        if (!peer.done) {
            watch.lost(Failure.lost(peer.first, hosts[peer.first], reason));
        }
        peer.connection.close();
    }

    private void fail(Peer peer, Failure failure) {
        if (failure.rank() >= peer.first && failure.rank() < peer.first + peer.ranks) {
            watch.fail(failure);
        } else { // it knows of no rank but its own and ours
            watch.givenUp(failure);
        }
    }

    private void hear(Peer peer, Message beat) throws IOException {
        if (beat.rank() < peer.first || beat.rank() >= peer.first + peer.ranks) {
            throw new IOException("sent a beat of rank " + beat.rank());
        }
        note(beat.rank(), beat.state());
    }

    private void note(int rank, Pulse.State state) {
        synchronized (heard) {
            heard[rank] = new Heard(hosts[rank], System.nanoTime(), state);
        }
    }

    private void forget(Peer peer) {
        synchronized (heard) {
            IntStream.range(peer.first, peer.first + peer.ranks).forEach(r -> heard[r] = null);
        }
    }

    @Override
    public void beat(int rank, Pulse.State state) {
        note(rank, state);
        if (rank == 0) {
            Message beat = Message.beat(rank, state);
            peers.stream().filter(peer -> !peer.done).forEach(peer -> Thread.ofVirtual().start(() -> quietly(() -> peer.connection.send(beat))));
            judge.judge(seen()).ifPresent(watch::lost);
        }
    }

    private Judge.Seen[] seen() {
        long now = System.nanoTime();
        synchronized (heard) {
            Judge.Seen[] seen = new Judge.Seen[heard.length];
            for (int r = 0; r < seen.length; r++) {
                seen[r] = heard[r] == null ? null
                        : new Judge.Seen(heard[r].host, TimeUnit.NANOSECONDS.toMillis(now - heard[r].at), heard[r].state);
            }
            return seen;
        }
    }

    @Override
    public void tell(Failure failure) {
        Message message = Message.failed(failure);
        peers.forEach(peer -> Thread.ofVirtual().start(() -> quietly(() -> peer.connection.send(message)))); // one that is stopped takes nothing
    }

    @Override
    public void part(Duration patience) {
        long end = System.nanoTime() + patience.toNanos();
        for (Peer peer : peers) {
            try {
                boolean _ = peer.parted.await(end - System.nanoTime(), TimeUnit.NANOSECONDS);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    @Override
    public void close() {
        peers.forEach(peer -> {
            peer.done = true; // what ends now ends in order
            quietly(() -> peer.connection.send(Message.bye()));
        });
        peers.forEach(peer -> peer.connection.close());
    }

    private interface Attempt {
        void run() throws IOException;
    }

    private static void quietly(Attempt attempt) {
        try {
            attempt.run();
        } catch (IOException _) { // who cannot be told is found by the one who listens to it
        }
    }
}
