package org.sparsercnn.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import org.sparsercnn.util.BadInput;

/** Against a server on the loopback interface, which counts the requests it gets. */
class WeightsCacheTest {
    private static final byte[] WEIGHTS = "weights".repeat(30_000).getBytes(java.nio.charset.StandardCharsets.US_ASCII);

    @TempDir
    Path root;

    private final AtomicInteger requests = new AtomicInteger();
    private HttpServer server;
    private String base;
    private WeightsCache cache;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        base = "http://127.0.0.1:" + server.getAddress().getPort();
        server.createContext("/", exchange -> {
            requests.incrementAndGet();
            switch (exchange.getRequestURI().getPath()) {
                case "/moved/m.pth" -> {
                    exchange.getResponseHeaders().add("Location", base + "/files/ImageNetPretrained/torchvision/R-50.pkl");
                    exchange.sendResponseHeaders(302, -1);
                }
                case "/files/ImageNetPretrained/torchvision/R-50.pkl" -> {
                    exchange.sendResponseHeaders(200, WEIGHTS.length);
                    exchange.getResponseBody().write(WEIGHTS);
                }
                case "/short/m.pth" -> {
                    exchange.sendResponseHeaders(200, WEIGHTS.length + 10L);
                    exchange.getResponseBody().write(WEIGHTS);
                    exchange.getResponseBody().flush();
                }
                case "/chunked/m.pth" -> {
                    exchange.sendResponseHeaders(200, 0);
                    try (OutputStream body = exchange.getResponseBody()) {
                        body.write(WEIGHTS);
                    }
                }
                default -> exchange.sendResponseHeaders(404, -1);
            }
            exchange.close();
        });
        server.start();
        cache = new WeightsCache(root, URI.create(base + "/files/"));
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> all = Files.walk(root)) {
            return all.filter(Files::isRegularFile).filter(f -> !f.toString().endsWith(".lock")).toList();
        }
    }

    @Test
    void detectron2AddressIsDownloadedOnceToIopathsPlace() throws IOException {
        ch.qos.logback.classic.Logger log = (ch.qos.logback.classic.Logger) LoggerFactory.getLogger(WeightsCache.class);
        var appender = new ch.qos.logback.core.read.ListAppender<ch.qos.logback.classic.spi.ILoggingEvent>();
        appender.start();
        log.addAppender(appender);
        Path file = cache.resolve("detectron2://ImageNetPretrained/torchvision/R-50.pkl");
        log.detachAppender(appender);
        assertThat(file).isEqualTo(root.resolve("files/ImageNetPretrained/torchvision/R-50.pkl")).hasBinaryContent(WEIGHTS);
        assertThat(appender.list.getLast().getFormattedMessage()).contains("210000 bytes",
                "SHA-256 740a49bf1298bb7853962b70ce8acf72103a32a71100b5c44d7d5afc101a92a5");
        assertThat(cache.resolve("detectron2://ImageNetPretrained/torchvision/R-50.pkl")).isEqualTo(file);
        assertThat(cache.resolve(base + "/files/ImageNetPretrained/torchvision/R-50.pkl?matching_heuristics=True")).isEqualTo(file);
        assertThat(requests).hasValue(1);
    }

    @Test
    void standardPlaceIsDetectron2s() {
        assertThat(WeightsCache.standard(Map.of("FVCORE_CACHE", "/some/where"))).hasToString("/some/where");
        assertThat(WeightsCache.standard(Map.of())).hasToString(System.getProperty("user.home") + "/.torch/iopath_cache");
        assertThat(WeightsCache.standard(Map.of("FVCORE_CACHE", "~/c"))).hasToString(System.getProperty("user.home") + "/c");
    }

    @Test
    void redirectsAndUnknownLengthsWork() {
        assertThat(cache.resolve(base + "/moved/m.pth")).isEqualTo(root.resolve("moved/m.pth")).hasBinaryContent(WEIGHTS);
        assertThat(cache.resolve(base + "/chunked/m.pth")).hasBinaryContent(WEIGHTS);
    }

    @Test
    void eightAtOnceDownloadOnce() throws Exception {
        try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Path>> all = IntStream.range(0, 8).mapToObj(i -> pool.submit(() ->
                    new WeightsCache(root, URI.create(base + "/files/")).resolve(base + "/chunked/m.pth"))).toList();
            for (Future<Path> one : all) {
                assertThat(one.get()).hasBinaryContent(WEIGHTS);
            }
        }
        assertThat(requests).hasValue(1);
    }

    @Test
    void fewerBytesThanAnnouncedLeaveNoFile() throws IOException {
        assertThatThrownBy(() -> cache.resolve(base + "/short/m.pth")).isInstanceOf(BadInput.class)
                .hasMessageContainingAll(base + "/short/m.pth", "cannot be downloaded", root.resolve("short/m.pth").toString());
        assertThat(files()).isEmpty();
    }

    @Test
    void missingOrUnreachableSaysWhereToPutTheFile() throws IOException {
        assertThatThrownBy(() -> cache.resolve("detectron2://nothing.pkl")).isInstanceOf(BadInput.class)
                .hasMessageContainingAll("detectron2://nothing.pkl", "status 404", base + "/files/nothing.pkl",
                        root.resolve("files/nothing.pkl").toString());
        server.stop(0);
        assertThatThrownBy(() -> cache.resolve("detectron2://nothing.pkl")).isInstanceOf(BadInput.class)
                .hasMessageContainingAll("no connection", base + "/files/nothing.pkl",
                        root.resolve("files/nothing.pkl").toString());
        assertThat(files()).isEmpty();
    }

    @Test
    void localPathsAndOddAddresses() throws IOException {
        Path local = Files.writeString(root.resolve("a b.pth"), "x");
        assertThat(cache.resolve(local.toString())).isEqualTo(local);
        assertThatThrownBy(() -> cache.resolve(root + "/none.pth")).isInstanceOf(BadInput.class).hasMessageContaining("no such file");
        assertThatThrownBy(() -> cache.resolve("catalog://R-50")).isInstanceOf(BadInput.class).hasMessageContaining("not supported");
        assertThatThrownBy(() -> cache.resolve(base + "/../../etc/passwd")).isInstanceOf(BadInput.class);
        assertThatThrownBy(() -> cache.resolve(base + "/folder/")).isInstanceOf(BadInput.class).hasMessageContaining("names no file");
        assertThatThrownBy(() -> cache.resolve("https://a b/c.pth")).isInstanceOf(BadInput.class).hasMessageContaining("not a valid");
        assertThat(requests).hasValue(0);
    }

    @Test
    void cacheThatCannotBeWrittenNamesTheRemedy() throws IOException {
        Path notAFolder = Files.writeString(root.resolve("occupied"), "x");
        WeightsCache blocked = new WeightsCache(notAFolder, URI.create(base + "/files/"));
        assertThatThrownBy(() -> blocked.resolve(base + "/chunked/m.pth")).isInstanceOf(BadInput.class)
                .hasMessageContainingAll("cannot be written", "FVCORE_CACHE");
    }
}
