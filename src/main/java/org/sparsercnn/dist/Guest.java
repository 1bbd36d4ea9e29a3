package org.sparsercnn.dist;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/** A process at the {@link Rendezvous} of another. */
final class Guest implements Line {
    private static final Duration BETWEEN_ATTEMPTS = Duration.ofMillis(200);

    private final Connection connection;
    private final DistUrl url;
    private final Duration timeout;
    private final Message welcome;
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean done;
    private Watch watch;

    private Guest(Connection connection, DistUrl url, Duration timeout, Message welcome) {
        this.connection = connection;
        this.url = url;
        this.timeout = timeout;
        this.welcome = welcome;
    }

    /**
     * Goes there, as often as need be: rank 0 may come later.
     *
     * @param first this process's first rank
     * @param ranks how many it has
     * @param patience how long rank 0 may take
     * @throws BadInput if rank 0 cannot be reached or does not let it in
     */
    static Guest join(DistUrl url, JobToken token, int first, int ranks, int size, Duration timeout, Duration patience) {
        long end = System.nanoTime() + patience.toNanos();
        try {
            Connection connection = new Connection(connect(url, end), timeout);
            connection.send(Message.hello(first, ranks, size, token, Host.name()));
            connection.patience(Duration.ofNanos(Math.max(1, end - System.nanoTime())));
            Message answer = connection.read();
            switch (answer.kind()) {
                case WELCOME -> {
                    connection.patience(timeout.plus(patience)); // rank 0 still waits for others, and beats later
                    return new Guest(connection, url, timeout, answer);
                }
                case REFUSED -> throw new BadInput(url + ": rank 0 does not let this process in: " + answer.text());
                default -> throw new IOException("it answered " + answer.kind());
            }
        } catch (SocketTimeoutException e) {
            throw new BadInput(url + ": something listens there, but does not answer as rank 0 does", e);
        } catch (IOException e) {
            throw new BadInput(url + ": what listens there is not rank 0 of this program: " + AtomicFiles.reason(e), e);
        }
    }

    private static Socket connect(DistUrl url, long end) throws IOException {
        while (true) {
            InetSocketAddress address = url.resolve();
            Socket socket = new Socket();
            try {
                socket.connect(address, Math.toIntExact(Math.max(1, TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime()))));
                return socket;
            } catch (IOException e) {
                socket.close();
                if (System.nanoTime() + BETWEEN_ATTEMPTS.toNanos() > end) {
                    throw new BadInput(url + ": rank 0 cannot be reached there: " + AtomicFiles.reason(e) + (e instanceof ConnectException
                            ? "; was it started, and is this the address of its machine?" : "; does a firewall stand between the machines?"), e);
                }
                pause();
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(BETWEEN_ATTEMPTS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BadInput("interrupted while rank 0 was waited for", e);
        }
    }

    /** NCCL's, as rank 0 has it. */
    byte[] id() {
        return welcome.id();
    }

    @Override
    public void open(Watch watch) {
        this.watch = watch;
        Thread.ofVirtual().name("rank-0").start(this::listen);
    }

    private void listen() {
        String reason;
        try {
            while (true) {
                Message message = connection.read();
                switch (message.kind()) {
                    case BEAT -> connection.patience(timeout);
                    case FAILED -> watch.fail(message.failure());
                    case BYE -> done = true;
                    default -> throw new IOException("sent " + message.kind());
                }
            }
        } catch (IOException e) {
            reason = Connection.lost(e, timeout);
        }
        if (!done) {
            watch.lost(Failure.lost(0, welcome.host(), reason));
        }
        ended.countDown();
    }

    @Override
    public void beat(int rank, Pulse.State state) {
        send(Message.beat(rank, state));
    }

    @Override
    public void tell(Failure failure) {
        send(Message.failed(failure));
    }

    private void send(Message message) {
        try {
            connection.send(message);
        } catch (IOException _) { // the one who listens finds out
        }
    }

    /** Rank 0 ends last: it is the one that speaks. */
    @Override
    public void part(Duration patience) {
        send(Message.bye());
        try {
            boolean _ = ended.await(patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        done = true;
        send(Message.bye());
        connection.close();
    }
}
