package org.sparsercnn.web;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.sparsercnn.app.DeviceChoice;
import org.sparsercnn.app.Environment;
import org.sparsercnn.app.serving.DetectionService;
import org.sparsercnn.app.serving.Limits;
import org.sparsercnn.cli.Workplace;
import org.sparsercnn.config.Config;
import org.sparsercnn.util.Json;

/** A server on a free port, with the model of a {@link Workplace}, and clients for it. */
record TestServer(DetectionService service, WebServer web, int port, HttpClient client) implements AutoCloseable {
    static final Limits LIMITS = new Limits(128, OptionalInt.empty(), 5, 60, 1_000_000);
    static final long BODY_BYTES = 200_000;
    static final DeviceChoice CPU = new DeviceChoice(Optional.of("cpu"), Optional.of(2));

    static Config config(Workplace place, String... overrides) {
        return Config.load(place.config(), List.of("MODEL.WEIGHTS", place.output().resolve("model_final.safetensors").toString())).with(overrides);
    }

    static TestServer start(Workplace place, Limits limits) {
        return start(place.config(), DetectionService.open(new Environment(place.variables()), config(place), CPU, limits));
    }

    static TestServer start(Path config, DetectionService service) {
        WebServer web = WebServer.start(service, ModelInfo.of(config, "1.2.3"), new WebOptions("127.0.0.1", 0, List.of("photos.example.org"), BODY_BYTES));
        return new TestServer(service, web, web.port(), HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build());
    }

    URI uri(String path) {
        return URI.create("http://127.0.0.1:" + port + path);
    }

    HttpResponse<String> get(String path, String... headers) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri(path));
        return client.send((headers.length == 0 ? request : request.headers(headers)).build(), BodyHandlers.ofString());
    }

    HttpResponse<String> detect(byte[] body, String... headers) throws IOException, InterruptedException {
        return post("/v1/detect", body, headers);
    }

    HttpResponse<String> post(String path, byte[] body, String... headers) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri(path)).POST(BodyPublishers.ofByteArray(body));
        return client.send((headers.length == 0 ? request : request.headers(headers)).build(), BodyHandlers.ofString());
    }

    static JsonNode json(HttpResponse<String> response) throws IOException {
        return Json.MAPPER.readTree(response.body());
    }

    /** Status and code of an error. */
    static String error(HttpResponse<String> response) throws IOException {
        return response.statusCode() + " " + json(response).at("/error/code").asText();
    }

    Socket connect() throws IOException {
        Socket socket = new Socket("127.0.0.1", port);
        socket.setSoTimeout(30_000);
        return socket;
    }

    static void send(Socket socket, String text) throws IOException {
        send(socket, text.getBytes(StandardCharsets.ISO_8859_1));
    }

    static void send(Socket socket, byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
        socket.getOutputStream().flush();
    }

    /** All that comes until the server closes. */
    static String rest(Socket socket) throws IOException {
        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    }

    /** One answer of a connection that stays open. */
    static String answer(Socket socket) throws IOException {
        InputStream in = socket.getInputStream();
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        while (!head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
            int next = in.read();
            if (next < 0) {
                throw new IOException("the connection ended after: " + head);
            }
            head.write(next);
        }
        String text = head.toString(StandardCharsets.ISO_8859_1);
        String length = text.lines().filter(line -> line.startsWith("Content-Length: ")).findFirst().map(line -> line.substring(16)).orElse("0");
        return text + new String(in.readNBytes(Integer.parseInt(length)), StandardCharsets.ISO_8859_1);
    }

    /** What the raw request says, answered on a connection of its own, which it must ask to close. */
    String raw(String request) throws IOException {
        try (Socket socket = connect()) {
            send(socket, request);
            return rest(socket);
        }
    }

    /** Waits for what another thread is about to do; fails if it never does. */
    static void await(BooleanSupplier done) {
        long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
        while (!done.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("waited a minute in vain");
            }
            Thread.onSpinWait();
        }
    }

    @Override
    public void close() {
        client.close();
        web.close();
        service.close();
    }
}
