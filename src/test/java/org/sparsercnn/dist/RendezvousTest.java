package org.sparsercnn.dist;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.sparsercnn.device.Lookout;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.GuardStop;

/** Several processes' ends, here in one. */
@Timeout(60)
class RendezvousTest {
    private static final JobToken TOKEN = JobToken.of("this job");
    private static final Duration TIMEOUT = Duration.ofSeconds(2);
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final DistUrl ANY_PORT = new DistUrl("127.0.0.1", 0);

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable one : open.reversed()) {
            one.close();
        }
        threads.shutdownNow();
    }

    private static byte[] id() {
        byte[] id = new byte[Message.ID_BYTES];
        for (int i = 0; i < id.length; i++) {
            id[i] = (byte) (3 * i);
        }
        return id;
    }

    private Rendezvous host(int size) {
        Rendezvous host = new Rendezvous(ANY_PORT, TOKEN, 1, size, id(), TIMEOUT);
        open.add(host);
        return host;
    }

    private static DistUrl urlOf(Rendezvous host) {
        return new DistUrl("127.0.0.1", host.port());
    }

    private Guest guest(Rendezvous host, int rank, int size) {
        return Guest.join(urlOf(host), TOKEN, rank, 1, size, TIMEOUT, PATIENCE);
    }

    private Watch watch(int rank, Duration timeout, Line line) {
        Watch watch = new Watch(rank, 1, timeout, line);
        open.add(watch);
        watch.start();
        return watch;
    }

    /** Rank 0 and the others, each with its watch. */
    private List<Watch> world(int size) {
        Rendezvous host = host(size);
        CompletableFuture<Void> all = CompletableFuture.runAsync(() -> host.awaitAll(PATIENCE), threads);
        List<Guest> guests = new ArrayList<>();
        for (int r = 1; r < size; r++) {
            guests.add(guest(host, r, size));
        }
        all.join();
        List<Watch> watches = new ArrayList<>(List.of(watch(0, TIMEOUT, host)));
        for (int r = 1; r < size; r++) {
            assertThat(guests.get(r - 1).id()).isEqualTo(id());
            watches.add(watch(r, TIMEOUT, guests.get(r - 1)));
        }
        return watches;
    }

    private static Failure failureOf(Watch watch) {
        while (watch.failure().isEmpty()) {
            Thread.onSpinWait();
        }
        return watch.failure().get();
    }

    @Test
    void the_first_failure_is_told_to_all() {
        List<Watch> watches = world(3);
        Failure failure = new Failure(2, "machine", "image 7 cannot be decoded: ünd so weiter", 3);
        watches.get(2).fail(failure);
        assertThat(watches).allSatisfy(watch -> assertThat(failureOf(watch)).isEqualTo(failure));
        watches.get(1).fail(new Failure(1, "machine", "I as well", 3));
        assertThatThrownBy(watches.get(1)::check).isInstanceOf(GuardStop.class).hasMessage("rank 2 on machine: " + failure.reason());
        assertThat(watches).noneMatch(Watch::isMainLost);
    }

    @Test
    void who_refused_and_who_waits_hear_of_it() throws Exception {
        List<Watch> watches = world(2);
        CompletableFuture<Void> waiting = CompletableFuture.runAsync(() -> {
            try (Lookout.Wait wait = watches.get(0).lookout(0).begin()) {
                while (true) {
                    wait.check();
                    Thread.onSpinWait();
                }
            }
        }, threads);
        watches.get(1).fail(Failure.of(1, "b", new BadInput("another config"), false));
        assertThatThrownBy(waiting::join).cause().isInstanceOf(BadInput.class).hasMessage("rank 1 on b: another config");
    }

    /** A process that ends in order is no failure; one that ends without a word is. */
    @Test
    void ends() throws Exception {
        Rendezvous host = host(3);
        CompletableFuture<Void> all = CompletableFuture.runAsync(() -> host.awaitAll(PATIENCE), threads);
        Guest orderly = guest(host, 1, 3);
        try (Socket killed = new Socket("127.0.0.1", host.port())) {
            Connection line = new Connection(killed, PATIENCE);
            line.send(Message.hello(2, 1, 3, TOKEN, "b"));
            assertThat(line.read().kind()).isEqualTo(Message.Kind.WELCOME);
            all.join();
            Watch main = watch(0, TIMEOUT, host);
            Watch second = watch(1, TIMEOUT, orderly);
            second.close();
            line.send(Message.beat(2, new Pulse.State(1, -1, -1, 0)));
            Thread.sleep(200);
            assertThat(main.failure()).isEmpty();
            line.close();
            assertThat(failureOf(main)).isEqualTo(new Failure(2, "b", "its process has ended without a word", 3));
        }
    }

    /** Stopped by SIGSTOP, say, or unplugged: nothing comes, and nothing ends. */
    @Test
    void silence() throws Exception {
        Rendezvous host = host(2);
        CompletableFuture<Void> all = CompletableFuture.runAsync(() -> host.awaitAll(PATIENCE), threads);
        try (Socket silent = new Socket("127.0.0.1", host.port())) {
            Connection line = new Connection(silent, PATIENCE);
            line.send(Message.hello(1, 1, 2, TOKEN, "b"));
            line.read();
            all.join();
            assertThat(failureOf(watch(0, TIMEOUT, host)).message()).startsWith("rank 1 on b: has not answered for 2 s");
        }
    }

    @Test
    void rank_0_is_lost() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            CompletableFuture<Connection> host = CompletableFuture.supplyAsync(() -> {
                try {
                    Connection line = new Connection(server.accept(), PATIENCE);
                    line.read();
                    line.send(Message.welcome(id(), "a"));
                    return line;
                } catch (IOException e) {
                    throw new CompletionException(e);
                }
            }, threads);
            Guest guest = Guest.join(new DistUrl("127.0.0.1", server.getLocalPort()), TOKEN, 1, 1, 2, TIMEOUT, PATIENCE);
            Watch watch = watch(1, TIMEOUT, guest);
            host.join().close();
            assertThat(failureOf(watch)).isEqualTo(new Failure(0, "a", "its process has ended without a word", 3));
            assertThat(watch.isMainLost()).isTrue();
        }
    }

    /** A rank whose thread is stuck still beats: it is found by those who wait for it. */
    @Test
    void a_rank_that_hangs() {
        List<Watch> watches = world(2);
        watches.get(0).begin(0);
        watches.get(1).begin(1);
        try (Lookout.Wait _ = watches.get(0).lookout(0).begin()) {
            assertThat(failureOf(watches.get(1)).reason()).startsWith("hangs: another rank has waited");
            assertThat(failureOf(watches.get(0)).rank()).isEqualTo(1);
        }
    }

    @Test
    void strangers_and_doubles_are_refused() throws Exception {
        Rendezvous host = host(3);
        CompletableFuture<Void> all = CompletableFuture.runAsync(() -> host.awaitAll(PATIENCE), threads);
        try (Socket scanner = new Socket("127.0.0.1", host.port())) {
            scanner.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".repeat(100).getBytes(StandardCharsets.US_ASCII));
        }
        DistUrl url = urlOf(host);
        assertThatThrownBy(() -> Guest.join(url, JobToken.of("another job"), 1, 1, 3, TIMEOUT, PATIENCE)).isInstanceOf(BadInput.class)
                .hasMessageContaining(url + ": rank 0 does not let this process in: it belongs to another job");
        assertThatThrownBy(() -> Guest.join(url, TOKEN, 1, 1, 4, TIMEOUT, PATIENCE)).hasMessageContaining("it was started for 4 ranks, rank 0 for 3");
        assertThatThrownBy(() -> Guest.join(url, TOKEN, 2, 2, 3, TIMEOUT, PATIENCE)).hasMessageContaining("it comes as rank 2 and has 2, of 3");
        assertThatThrownBy(() -> Guest.join(url, TOKEN, 1, Integer.MAX_VALUE, 3, TIMEOUT, PATIENCE)).hasMessageContaining("it comes as rank 1 and has 2147483647");
        open.add(guest(host, 1, 3));
        assertThatThrownBy(() -> guest(host, 1, 3)).hasMessageContaining("rank 1 is here already").hasMessageContaining("--machine-rank");
        open.add(guest(host, 2, 3));
        all.join();
        assertThatThrownBy(() -> Guest.join(url, TOKEN, 1, 1, 3, TIMEOUT, Duration.ofMillis(500))).hasMessageContaining("cannot be reached"); // all are here
    }

    /** Nor do those who connect and say nothing. */
    @Test
    void silent_strangers_keep_no_one_waiting() throws Exception {
        Rendezvous host = host(2);
        CompletableFuture<Void> all = CompletableFuture.runAsync(() -> host.awaitAll(PATIENCE), threads);
        List<Socket> strangers = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            strangers.add(new Socket("127.0.0.1", host.port()));
        }
        open.add(guest(host, 1, 2));
        all.get(5, TimeUnit.SECONDS);
        for (Socket stranger : strangers) {
            stranger.close();
        }
    }

    /** What a peer says reaches a terminal: it must be text. */
    @Test
    void what_a_peer_says_is_text_and_its_exit_code_one_of_two() {
        Failure odd = Message.failed(new Failure(1, "b\u001b[2J", "first\nsecond\u0007", 0)).failure();
        assertThat(odd).isEqualTo(new Failure(1, "b?[2J", "first\nsecond?", 3));
    }

    @Test
    void who_did_not_come_is_named() {
        Rendezvous host = host(5);
        CompletableFuture<Void> all = CompletableFuture.runAsync(() -> host.awaitAll(Duration.ofSeconds(1)), threads);
        open.add(guest(host, 2, 5));
        assertThatThrownBy(all::join).cause().isInstanceOf(BadInput.class).hasMessageContaining("of 5 ranks, 1, 3-4 did not come to");
    }

    @Test
    void ports_and_hosts_that_will_not_do() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            DistUrl url = new DistUrl("127.0.0.1", taken.getLocalPort());
            assertThatThrownBy(() -> new Rendezvous(url, TOKEN, 1, 2, id(), TIMEOUT)).isInstanceOf(BadInput.class)
                    .hasMessageContaining(url + ": rank 0 cannot wait for the others there: Address already in use");
        }
        assertThatThrownBy(() -> new Rendezvous(new DistUrl("192.0.2.1", 0), TOKEN, 1, 2, id(), TIMEOUT)).hasMessageContaining("Cannot assign requested address");
        assertThatThrownBy(() -> Guest.join(new DistUrl("no.such.host.invalid", 1), TOKEN, 1, 1, 2, TIMEOUT, PATIENCE)).hasMessageContaining("knows no host of that name");
        assertThatThrownBy(() -> Guest.join(new DistUrl("127.0.0.1", 1), TOKEN, 1, 1, 2, TIMEOUT, Duration.ofMillis(700)))
                .hasMessageContaining("tcp://127.0.0.1:1: rank 0 cannot be reached there: Connection refused");
    }

    @Test
    void a_long_reason_is_cut_between_characters() throws IOException {
        Failure failure = new Failure(1, "b", "ü".repeat(2000), 3);
        assertThat(Message.failed(failure).failure().reason()).matches("ü{400,600}");
    }
}
