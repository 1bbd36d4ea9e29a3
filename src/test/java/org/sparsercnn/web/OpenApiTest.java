package org.sparsercnn.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.sparsercnn.web.TestServer.json;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.app.serving.Refusal;
import org.sparsercnn.cli.Workplace;

/** The description of the API says what the server does. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OpenApiTest {
    @TempDir
    static Path folder;

    private Workplace place;
    private TestServer server;
    private JsonNode api;

    @BeforeAll
    void start() throws Exception {
        place = Workplace.in(folder);
        assertThat(place.run("train").code()).isZero();
        server = TestServer.start(place, TestServer.LIMITS);
        api = json(server.get("/openapi.json"));
    }

    @AfterAll
    void stop() {
        server.close();
    }

    private static Set<String> names(JsonNode node) {
        Set<String> names = new HashSet<>();
        node.fieldNames().forEachRemaining(names::add);
        return names;
    }

    @Test
    void every_path_takes_the_methods_that_are_described_and_no_others() throws Exception {
        for (String path : names(api.get("paths"))) {
            Set<String> described = names(api.at("/paths/" + path.replace("/", "~1")));
            for (String method : List.of("get", "head", "post", "put", "delete", "options", "patch")) {
                HttpRequest request = HttpRequest.newBuilder(server.uri(path)).method(method.toUpperCase(Locale.ROOT), BodyPublishers.noBody()).build();
                int status = server.client().send(request, BodyHandlers.ofString()).statusCode();
                assertThat(status != 405).as(method + " " + path).isEqualTo(described.contains(method));
            }
        }
    }

    @Test
    void answers_have_the_fields_that_are_described() throws Exception {
        byte[] picture = Files.readAllBytes(place.trainImage(1));
        matches(api.at("/components/schemas/Detections"), json(server.post("/v1/detect?threshold=0", picture)));
        matches(api.at("/components/schemas/Model"), json(server.get("/v1/model")));
        matches(api.at("/components/schemas/Health"), json(server.get("/healthz")));
        matches(api.at("/components/schemas/Error"), json(server.get("/nothing")));
    }

    private static void matches(JsonNode schema, JsonNode value) {
        switch (schema.get("type").asText()) {
            case "object" -> {
                assertThat(names(value)).isEqualTo(names(schema.get("properties")));
                names(value).forEach(name -> matches(schema.get("properties").get(name), value.get(name)));
            }
            case "array" -> {
                assertThat(value).isNotEmpty();
                value.forEach(item -> matches(schema.get("items"), item));
            }
            case "integer" -> assertThat(value.isIntegralNumber()).as(value.toString()).isTrue();
            case "number" -> assertThat(value.isNumber()).as(value.toString()).isTrue();
            default -> assertThat(value.isTextual()).as(value.toString()).isTrue();
        }
    }

    @Test
    void parameters_have_the_defaults_and_ranges_that_are_described() throws Exception {
        JsonNode parameters = api.at("/paths/~1v1~1detect/post/parameters");
        assertThat(parameters).hasSize(2);
        assertThat(parameters.get(0).at("/schema/default").asDouble()).isEqualTo(DetectQuery.THRESHOLD);
        assertThat(parameters.get(1).at("/schema/default").asInt()).isEqualTo(DetectQuery.MAX_DETECTIONS);
        byte[] picture = Files.readAllBytes(place.trainImage(1));
        for (JsonNode parameter : parameters) {
            String query = "/v1/detect?" + parameter.get("name").asText() + "=";
            JsonNode schema = parameter.get("schema");
            assertThat(server.post(query + schema.get("minimum").asInt(), picture).statusCode()).isEqualTo(200);
            assertThat(server.post(query + schema.get("maximum").asInt(), picture).statusCode()).isEqualTo(200);
            assertThat(server.post(query + (schema.get("minimum").asInt() - 1), picture).statusCode()).isEqualTo(400);
            assertThat(server.post(query + (schema.get("maximum").asInt() + 1), picture).statusCode()).isEqualTo(400);
        }
    }

    @Test
    void every_code_of_an_error_is_described() throws IOException {
        JsonNode responses = api.at("/paths/~1v1~1detect/post/responses");
        List<String> described = new ArrayList<>();
        for (String status : names(responses)) {
            Pattern.compile("`(\\w+)`").matcher(responses.get(status).get("description").asText()).results().forEach(m -> described.add(status + " " + m.group(1)));
        }
        Set<String> thrown = new HashSet<>();
        for (int status : new int[] {400, 403, 405, 408, 413, 415, 500}) {
            thrown.add(status + " " + ApiError.of(status, "").code());
        }
        thrown.add("400 bad_image");
        thrown.addAll(Stream.of(Refusal.Reason.values()).map(reason -> "503 " + reason.name().toLowerCase(Locale.ROOT)).collect(Collectors.toSet()));
        assertThat(described).containsExactlyInAnyOrderElementsOf(thrown);
    }
}
