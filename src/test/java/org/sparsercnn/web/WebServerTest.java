package org.sparsercnn.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sparsercnn.web.TestServer.answer;
import static org.sparsercnn.web.TestServer.error;
import static org.sparsercnn.web.TestServer.json;
import static org.sparsercnn.web.TestServer.rest;
import static org.sparsercnn.web.TestServer.send;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.app.serving.Limits;
import org.sparsercnn.cli.Workplace;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/** The server as clients meet it, good ones and others. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@SuppressWarnings("try") // clients that go away close early
class WebServerTest {
    @TempDir
    static Path folder;

    private Workplace place;
    private TestServer server;
    private byte[] picture;

    @BeforeAll
    void start() throws IOException {
        place = Workplace.in(folder);
        assertThat(place.run("train").code()).isZero();
        server = TestServer.start(place, TestServer.LIMITS);
        picture = Files.readAllBytes(place.trainImage(1));
    }

    @AfterAll
    void stop() {
        server.close();
    }

    @Test
    void numbers_are_those_of_the_demo() throws Exception {
        Path out = folder.resolve("out.json");
        assertThat(place.run("demo", "--input", place.trainImage(1).toString(), "--json", out.toString(), "--confidence-threshold", "0", "--opts",
                "MODEL.WEIGHTS", place.output().resolve("model_final.safetensors").toString()).code()).isZero();
        JsonNode rows = Json.read(out, JsonNode.class);
        JsonNode answer = json(server.post("/v1/detect?threshold=0&max_detections=1000", picture));
        assertThat(rows).isNotEmpty();
        assertThat(answer.get("detections")).hasSameSizeAs(rows);
        for (int i = 0; i < rows.size(); i++) {
            for (String key : List.of("category_id", "category_name", "bbox", "score")) {
                assertThat(answer.get("detections").get(i).get(key)).isEqualTo(rows.get(i).get(key));
            }
        }
        assertThat(answer.get("image").toString()).isEqualTo("{\"width\":64,\"height\":64}");
        assertThat(answer.get("model").asText()).isEqualTo("tiny");
        assertThat(answer.get("batch_size").asInt()).isEqualTo(1);
        assertThat(answer.get("times_ms").fieldNames()).toIterable().containsExactly("read", "decode", "preprocess", "queue", "forward", "postprocess", "total");
    }

    @Test
    void threshold_and_number_choose_from_the_same_list() throws Exception {
        JsonNode all = json(server.post("/v1/detect?threshold=0", picture)).get("detections");
        assertThat(json(server.post("/v1/detect?threshold=0&max_detections=2", picture)).get("detections")).hasSize(2).first().isEqualTo(all.get(0));
        double second = all.get(1).get("score").asDouble();
        assertThat(json(server.post("/v1/detect?threshold=" + second, picture)).get("detections").size()).isBetween(1, 2);
        assertThat(json(server.post("/v1/detect?threshold=1", picture)).get("detections")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"threshold=2", "threshold=-0.1", "threshold=NaN", "threshold=", "threshold=0.1&threshold=0.2", "max_detections=0", "max_detections=1001",
        "max_detections=1.5", "max_detections=1e9999", "treshold=0.5", "threshold=0x1p-3"})
    void queries_out_of_range(String query) throws Exception {
        assertThat(error(server.post("/v1/detect?" + query, picture))).isEqualTo("400 bad_request");
    }

    @Test
    void forms_have_the_picture_as_image_or_as_their_first_file() throws Exception {
        JsonNode plain = json(server.detect(picture)).get("detections");
        String type = "multipart/form-data; boundary=xyz";
        for (byte[] form : List.of(form("image", "a.png"), form("photo", "../../../etc/passwd"), form("image", null))) {
            HttpResponse<String> answer = server.detect(form, "Content-Type", type);
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
            assertThat(json(answer).get("detections")).isEqualTo(plain);
        }
        assertThat(error(server.detect(form("other", null), "Content-Type", type))).isEqualTo("400 bad_request");
        assertThat(error(server.detect(form("image", "a.png"), "Content-Type", "multipart/form-data"))).isEqualTo("400 bad_request");
        assertThat(error(server.detect(form("image", "a.png"), "Content-Type", "multipart/form-data; boundary=abc"))).isEqualTo("400 bad_request");
        assertThat(error(server.detect(form("image", "a.png"), "Content-Type", "multipart/mixed; boundary=xyz"))).isEqualTo("415 unsupported_media_type");
        assertThat(error(server.detect(picture, "Content-Encoding", "gzip"))).isEqualTo("415 unsupported_media_type");
        byte[] cut = form("image", "a.png");
        assertThat(error(server.detect(Arrays.copyOf(cut, cut.length / 2), "Content-Type", type))).isEqualTo("400 bad_request");
    }

    private byte[] form(String name, String file) {
        String head = "--xyz\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--xyz\r\nContent-Disposition: form-data; name=\"" + name + "\""
                + (file == null ? "" : "; filename=\"" + file + "\"") + "\r\nContent-Type: image/png\r\n\r\n";
        return Pictures.joined(Pictures.ascii(head), picture, Pictures.ascii("\r\n--xyz--\r\n"));
    }

    @Test
    void any_type_of_content_is_taken_for_a_picture() throws Exception {
        for (String type : List.of("image/png", "image/jpeg", "application/octet-stream", "text/plain;charset=x", "nonsense")) {
            assertThat(server.detect(picture, "Content-Type", type).statusCode()).isEqualTo(200);
        }
        assertThat(server.detect(Pictures.jpeg(60, 40)).statusCode()).isEqualTo(200);
    }

    @Test
    void bad_pictures_are_named_so() throws Exception {
        byte[] jpeg = Pictures.jpeg(60, 40);
        assertBad("copy or download it again", Arrays.copyOf(jpeg, jpeg.length / 2));
        assertBad("truncated", Arrays.copyOf(picture, picture.length / 2));
        assertBad("60000x60000", Pictures.pngClaiming(60_000, 60_000));
        assertBad("3000x3000", Pictures.zeros(3000, 3000)); // 27 MB of zeros in a few kilobytes
        assertBad("unknown kind of file", Pictures.ascii("hello"));
        assertBad("a text file", Pictures.ascii("<html>"));
        assertBad("", new byte[1000]);
        assertThat(error(server.detect(new byte[0]))).isEqualTo("400 bad_request");
    }

    private void assertBad(String reason, byte[] body) throws Exception {
        HttpResponse<String> answer = server.detect(body);
        assertThat(error(answer)).isEqualTo("400 bad_image");
        assertThat(json(answer).at("/error/message").asText()).contains(reason);
    }

    @Test
    void bodies_in_chunks_and_after_a_hundred_continue() throws Exception {
        HttpRequest chunked = HttpRequest.newBuilder(server.uri("/v1/detect")).POST(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(picture))).build();
        assertThat(server.client().send(chunked, BodyHandlers.ofString()).statusCode()).isEqualTo(200);
        try (Socket socket = server.connect()) {
            send(socket, head("POST /v1/detect", "Expect: 100-continue", "Content-Length: " + picture.length));
            assertThat(answer(socket)).startsWith("HTTP/1.1 100 ");
            send(socket, picture);
            assertThat(answer(socket)).startsWith("HTTP/1.1 200 ");
        }
        try (Socket socket = server.connect()) { // refused before it is sent
            send(socket, head("POST /v1/detect", "Expect: 100-continue", "Content-Length: 1000000"));
            assertThat(rest(socket)).startsWith("HTTP/1.1 413 ").contains("body_too_large");
        }
    }

    private String head(String line, String... headers) {
        return line + " HTTP/1.1\r\nHost: localhost:" + server.port() + "\r\n" + String.join("", Arrays.stream(headers).map(h -> h + "\r\n").toList()) + "\r\n";
    }

    @Test
    void too_large_is_told_to_clients_that_are_still_sending() throws Exception {
        byte[] large = new byte[5_000_000];
        assertThat(error(server.detect(large))).isEqualTo("413 body_too_large");
        HttpRequest chunked = HttpRequest.newBuilder(server.uri("/v1/detect")).POST(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(large))).build();
        assertThat(error(server.client().send(chunked, BodyHandlers.ofString()))).isEqualTo("413 body_too_large");
        assertThat(error(server.detect(large, "Origin", "http://evil.example"))).isEqualTo("403 forbidden");
        assertThat(error(server.post("/v1/other", large))).isEqualTo("404 not_found");
        TestServer.await(() -> server.service().inFlight() == 0);
    }

    @Test
    void methods_and_paths() throws Exception {
        for (String path : List.of("/", "/healthz", "/metrics", "/v1/model", "/openapi.json")) {
            HttpResponse<String> get = server.get(path);
            assertThat(get.statusCode()).as(path).isEqualTo(200);
            HttpResponse<String> headOnly = server.client().send(HttpRequest.newBuilder(server.uri(path)).HEAD().build(), BodyHandlers.ofString());
            assertThat(headOnly.statusCode()).isEqualTo(200);
            assertThat(headOnly.body()).isEmpty();
            assertThat(headOnly.headers().firstValue("Content-Type")).isEqualTo(get.headers().firstValue("Content-Type"));
            HttpResponse<String> post = server.post(path, picture);
            assertThat(error(post)).isEqualTo("405 method_not_allowed");
            assertThat(post.headers().firstValue("Allow")).contains("GET, HEAD");
        }
        for (String method : List.of("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "PATCH", "BREW")) {
            String answer = server.raw(head(method + " /v1/detect", "Connection: close"));
            assertThat(answer).startsWith("HTTP/1.1 405 ").contains("Allow: POST\r\n").doesNotContainIgnoringCase("Access-Control");
        }
        assertThat(error(server.get("/v2/detect"))).isEqualTo("404 not_found");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "//etc/passwd", "/page/index.html", "/app.js/../../openapi.json%00",
        "/style.css%00.png", "/etc/passwd", "/;/../etc/passwd", "/..;/etc/passwd", "/\\..\\etc\\passwd"})
    void paths_are_names_in_a_list_and_nothing_else(String path) throws Exception {
        assertThat(server.raw(head("GET " + path, "Connection: close"))).matches("(?s)HTTP/1.1 (400|404) .*").contains("\"error\"").doesNotContain("root:");
    }

    /** Otherwise a client's next request on that connection would be lost. */
    @Test
    void a_connection_that_will_be_closed_is_announced() throws Exception {
        for (String request : List.of(head("GET /../../etc/passwd"), head("GET /", "X: " + "x".repeat(10_000)), head("POST /v1/detect", "Content-Length: 1000000"))) {
            try (Socket socket = server.connect()) {
                send(socket, request);
                assertThat(answer(socket)).matches("(?s)HTTP/1.1 4\\d\\d .*").contains("Connection: close\r\n");
            }
        }
    }

    @Test
    void malformed_requests() throws Exception {
        assertThat(server.raw("nonsense\r\n\r\n")).matches("(?s)HTTP/1.1 400 .*");
        assertThat(server.raw("GET / HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 400 ");
        assertThat(server.raw("GET / HTTP/1.0\r\n\r\n")).startsWith("HTTP/1.1 403 ");
        assertThat(server.raw(head("GET /", "X: " + "x".repeat(10_000)))).startsWith("HTTP/1.1 431 ").contains("headers_too_large");
        assertThat(server.raw(head("POST /v1/detect", "Content-Length: 5", "Content-Length: 6"))).startsWith("HTTP/1.1 400 ");
        assertThat(server.raw(head("POST /v1/detect", "Transfer-Encoding: chunked") + "xyz\r\n")).startsWith("HTTP/1.1 400 ").contains("bad_request");
    }

    @Test
    void other_names_and_other_sites_are_kept_out() throws Exception {
        int port = server.port();
        for (String host : List.of("localhost", "LOCALHOST:" + port, "127.0.0.1:" + port, "[::1]:" + port, "photos.example.org", "photos.example.org:" + port)) {
            assertThat(server.raw("GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")).as(host).startsWith("HTTP/1.1 200 ");
        }
        for (String host : List.of("evil.example", "evil.example:" + port, "localhost:1", "127.0.0.1.evil.example", "10.0.0.1", "photos.example.org:443")) {
            assertThat(server.raw("GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")).as(host).startsWith("HTTP/1.1 403 ");
        }
        assertThat(server.get("/", "Origin", "http://127.0.0.1:" + port).statusCode()).isEqualTo(200);
        assertThat(server.get("/", "Sec-Fetch-Site", "same-origin").statusCode()).isEqualTo(200);
        for (String origin : List.of("http://evil.example", "null", "http://127.0.0.1:1", "http://localhost:" + port + ".evil.example", "file://")) {
            HttpResponse<String> answer = server.detect(picture, "Origin", origin);
            assertThat(error(answer)).as(origin).isEqualTo("403 forbidden");
            assertThat(answer.headers().map().keySet()).noneMatch(name -> name.toLowerCase(java.util.Locale.ROOT).startsWith("access-control"));
        }
        assertThat(error(server.get("/v1/model", "Sec-Fetch-Site", "cross-site"))).isEqualTo("403 forbidden");
    }

    @Test
    void the_page_is_kept_to_itself_and_cached_by_its_tag() throws Exception {
        HttpResponse<String> page = server.get("/");
        assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow()).startsWith("default-src 'self'; img-src 'self' blob: data:;");
        assertThat(page.headers().firstValue("X-Content-Type-Options")).contains("nosniff");
        assertThat(page.headers().firstValue("Referrer-Policy")).contains("no-referrer");
        assertThat(page.headers().firstValue("Permissions-Policy")).contains("camera=(self)");
        assertThat(page.headers().firstValue("Server")).isEmpty();
        HttpResponse<String> again = server.get("/", "If-None-Match", page.headers().firstValue("ETag").orElseThrow());
        assertThat(again.statusCode()).isEqualTo(304);
        assertThat(server.get("/nothing").headers().firstValue("X-Content-Type-Options")).contains("nosniff");
    }

    @Test
    void what_the_model_is() throws Exception {
        JsonNode model = json(server.get("/v1/model"));
        assertThat(model.fieldNames()).toIterable().containsExactly("name", "weights", "config", "device", "precision", "categories", "input", "parameters", "limits", "version");
        assertThat(model.get("weights").asText()).isEqualTo("model_final.safetensors");
        assertThat(model.get("config").asText()).isEqualTo("tiny.yaml");
        assertThat(model.at("/categories/0").toString()).isEqualTo("{\"id\":1,\"name\":\"circle\"}");
        assertThat(model.at("/limits/body_bytes").asLong()).isEqualTo(TestServer.BODY_BYTES);
        assertThat(model.at("/limits/batch").asInt()).as("on a CPU").isEqualTo(1);
        assertThat(model.get("parameters").asLong()).isPositive();
        assertThat(server.get("/healthz").body()).isEqualTo("{\"status\":\"ok\"}");
    }

    @Test
    void requests_behind_each_other_on_one_connection() throws Exception {
        try (Socket socket = server.connect()) {
            byte[] one = Pictures.joined(Pictures.ascii(head("POST /v1/detect", "Content-Length: " + picture.length)), picture);
            send(socket, Pictures.joined(one, Pictures.ascii(head("GET /healthz")), one, Pictures.ascii(head("GET /nothing"))));
            assertThat(answer(socket)).startsWith("HTTP/1.1 200 ").contains("detections");
            assertThat(answer(socket)).startsWith("HTTP/1.1 200 ").contains("{\"status\":\"ok\"}");
            assertThat(answer(socket)).startsWith("HTTP/1.1 200 ").contains("detections");
            assertThat(answer(socket)).startsWith("HTTP/1.1 404 ");
        }
    }

    @Test
    void a_hundred_at_once() {
        JsonNode[] first = new JsonNode[1];
        List<CompletableFuture<HttpResponse<String>>> all = new ArrayList<>();
        HttpRequest request = HttpRequest.newBuilder(server.uri("/v1/detect?threshold=0")).POST(BodyPublishers.ofByteArray(picture)).build();
        for (int i = 0; i < 100; i++) {
            all.add(server.client().sendAsync(request, BodyHandlers.ofString()));
        }
        all.forEach(one -> {
            try {
                JsonNode found = json(one.join()).get("detections");
                first[0] = first[0] == null ? found : first[0];
                assertThat(found).isEqualTo(first[0]);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        assertThat(server.service().inFlight()).isZero();
    }

    @Test
    void the_queue_is_full_with_as_many_as_are_allowed() throws Exception {
        try (TestServer small = TestServer.start(place, new Limits(2, OptionalInt.empty(), 0, 60, 1_000_000)); Socket one = small.connect(); Socket two = small.connect()) {
            for (Socket socket : List.of(one, two)) { // on their way, and slow
                send(socket, "POST /v1/detect HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + picture.length + "\r\n\r\n");
            }
            TestServer.await(() -> small.service().inFlight() == 2);
            HttpResponse<String> refused = small.detect(picture);
            assertThat(error(refused)).isEqualTo("503 queue_full");
            assertThat(refused.headers().firstValue("Retry-After")).contains("1");
            assertThat(small.get("/healthz").statusCode()).isEqualTo(200);
            send(one, picture);
            assertThat(answer(one)).startsWith("HTTP/1.1 200 ");
            assertThat(small.detect(picture).statusCode()).isEqualTo(200);
            two.close(); // gone before it had sent its picture
            TestServer.await(() -> small.service().inFlight() == 0);
        }
    }

    @Test
    void a_body_that_comes_too_slowly_is_given_up() throws Exception {
        try (TestServer hasty = TestServer.start(place, new Limits(8, OptionalInt.empty(), 0, 0.3, 1_000_000)); Socket slow = hasty.connect()) {
            send(slow, "POST /v1/detect HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + picture.length + "\r\n\r\nabc");
            assertThat(rest(slow)).startsWith("HTTP/1.1 408 ").contains("body_timeout");
            assertThat(hasty.service().inFlight()).isZero();
        }
    }

    @Test
    void shutting_down_answers_what_is_under_way() throws Exception {
        TestServer ending = TestServer.start(place, TestServer.LIMITS);
        try (Socket late = ending.connect()) {
            send(late, "POST /v1/detect HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + picture.length + "\r\n\r\n");
            TestServer.await(() -> ending.service().inFlight() == 1);
            CompletableFuture<Void> closed = CompletableFuture.runAsync(ending.web()::close);
            TestServer.await(ending.service()::refusesNew);
            send(late, picture);
            assertThat(answer(late)).startsWith("HTTP/1.1 200 ").contains("detections");
            closed.join();
            assertThatThrownBy(ending::connect).isInstanceOf(IOException.class);
        } finally {
            ending.close();
        }
    }

    @Test
    void addresses_that_cannot_be_bound() throws IOException {
        WebOptions taken = new WebOptions("127.0.0.1", server.port(), List.of(), 1);
        ModelInfo model = ModelInfo.of(Path.of("x.yaml"), null);
        assertThatThrownBy(() -> WebServer.start(server.service(), model, taken)).isInstanceOf(BadInput.class).hasMessageContaining("cannot listen there: Address already in use");
        assertThatThrownBy(() -> WebServer.start(server.service(), model, new WebOptions("192.0.2.1", 0, List.of(), 1))).isInstanceOf(BadInput.class)
                .hasMessageContaining("not an address of this machine");
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.2"))) { // loopback, though no interface lists it
            WebOptions there = new WebOptions("127.0.0.2", other.getLocalPort(), List.of(), 1);
            assertThatThrownBy(() -> WebServer.start(server.service(), model, there)).isInstanceOf(BadInput.class)
                    .hasMessageContaining("cannot listen there: Address already in use; choose another port");
        }
        assertThatThrownBy(() -> WebServer.start(server.service(), model, new WebOptions("no.such.host.invalid", 0, List.of(), 1))).isInstanceOf(BadInput.class)
                .hasMessageContaining("there is no such name or address");
        assertThatThrownBy(() -> new WebOptions("localhost", 70_000, List.of(), 1)).isInstanceOf(BadInput.class);
        assertThatThrownBy(() -> new WebOptions("localhost", 0, List.of("http://x"), 1)).isInstanceOf(BadInput.class);
        assertThatThrownBy(() -> new Limits(0, OptionalInt.empty(), 5, 30, 1)).isInstanceOf(BadInput.class).hasMessageContaining("--queue 0: a number from 1 to 100000");
    }

    /** Good and bad in turns, some of them broken off: all are answered, and nothing of them stays. */
    @Test
    void after_many_good_and_bad_requests_nothing_is_left() throws Exception {
        try (TestServer own = TestServer.start(place, TestServer.LIMITS)) {
            assertThat(own.detect(picture).statusCode()).isEqualTo(200);
            long device = own.service().deviceBytesInUse();
            byte[] jpeg = Pictures.jpeg(60, 40);
            byte[] cut = Arrays.copyOf(jpeg, jpeg.length / 2);
            for (int i = 0; i < 60; i++) {
                assertThat(own.detect(picture).statusCode()).isEqualTo(200);
                assertThat(own.detect(cut).statusCode()).isEqualTo(400);
                assertThat(own.detect(jpeg).statusCode()).isEqualTo(200);
                assertThat(own.get("/v1/detect").statusCode()).isEqualTo(405);
                assertThat(own.detect(Pictures.pngClaiming(60_000, 60_000)).statusCode()).isEqualTo(400);
                try (Socket gone = own.connect()) {
                    send(gone, "POST /v1/detect HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + picture.length + "\r\n\r\nabc");
                }
                try (Socket deaf = own.connect()) { // does not wait for its answer
                    send(deaf, Pictures.joined(Pictures.ascii("POST /v1/detect HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + picture.length + "\r\n\r\n"), picture));
                }
            }
            TestServer.await(() -> detectRequests(own) == 1 + 60 * 7); // those who went away may come last
            TestServer.await(() -> own.service().inFlight() == 0);
            assertThat(own.detect(picture).statusCode()).isEqualTo(200);
            assertThat(own.service().deviceBytesInUse()).isEqualTo(device);
            assertThat(own.service().waiting()).isZero();
            String metrics = own.get("/metrics").body();
            assertThat(metrics).contains("path=\"/v1/detect\",status=\"200\",outcome=\"ok\"}", "outcome=\"bad_image\"} 120\n",
                    "path=\"/v1/detect\",status=\"405\",outcome=\"method_not_allowed\"} 60\n", "sparsercnn_in_flight 0\n", "sparsercnn_queue_length 0\n");
        }
        // One is that of the server all tests share. A pool has ended a moment before its thread has.
        TestServer.await(() -> Thread.getAllStackTraces().keySet().stream().filter(thread -> thread.getName().equals("device")).count() == 1);
    }

    /** All that were counted, however they ended. */
    private static long detectRequests(TestServer server) {
        try {
            return server.get("/metrics").body().lines().filter(line -> line.startsWith("sparsercnn_http_requests_total{path=\"/v1/detect\""))
                    .mapToLong(line -> Long.parseLong(line.substring(line.lastIndexOf(' ') + 1))).sum();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void metrics_are_in_the_text_format() throws Exception {
        server.detect(picture);
        HttpResponse<String> answer = server.get("/metrics");
        assertThat(answer.headers().firstValue("Content-Type")).contains("text/plain; version=0.0.4; charset=utf-8");
        assertThat(answer.body().lines()).allMatch(line -> line.matches("# (HELP \\w+ .+|TYPE \\w+ (counter|gauge|histogram))|\\w+(\\{\\w+=\"[^\"]*\"(,\\w+=\"[^\"]*\")*})? [-+0-9.eE]+"));
        assertThat(answer.body()).contains("sparsercnn_detect_seconds_bucket{stage=\"total\",le=\"+Inf\"}", "sparsercnn_batch_images_bucket{le=\"1\"}", "process_resident_memory_bytes");
        assertThat(answer.body()).doesNotContain("evil");
    }
}
