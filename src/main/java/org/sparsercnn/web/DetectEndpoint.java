package org.sparsercnn.web;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.MultiPart;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.sparsercnn.app.FoundObject;
import org.sparsercnn.app.serving.Answer;
import org.sparsercnn.app.serving.DetectionService;
import org.sparsercnn.app.serving.Ticket;

/** {@code POST /v1/detect}: a picture in, the objects in it out. */
final class DetectEndpoint implements Endpoint {
    private static final double MILLI = 1e3;

    private final DetectionService service;
    private final String modelName;
    private final long mostBytes;
    private final Metrics metrics;

    DetectEndpoint(DetectionService service, String modelName, long mostBytes, Metrics metrics) {
        this.service = service;
        this.modelName = modelName;
        this.mostBytes = mostBytes;
        this.metrics = metrics;
    }

    /** The answer's body. */
    private record Found(Size image, List<FoundObject> detections, String model, @JsonProperty("batch_size") int batchSize,
            @JsonProperty("times_ms") Map<String, Double> timesMs) {}

    /** Of the upright picture. */
    private record Size(int width, int height) {}

    /** A request on its way through. */
    private static final class Exchange {
        private final long begin = System.nanoTime();
        private volatile long read;
    }

    @Override
    public void handle(Request request, Response response, Callback callback) {
        DetectQuery query = DetectQuery.of(request);
        String boundary = boundary(request);
        Exchange exchange = new Exchange();
        Ticket ticket = service.admit();
        request.addIdleTimeoutListener(_ -> exchange.read == 0); // later the connection rests because we compute
        request.addFailureListener(_ -> ticket.close());
        BodyReader.read(request, mostBytes, ticket.left()).thenCompose(body -> {
            exchange.read = System.nanoTime();
            return detect(ticket, body, boundary);
        }).whenCompleteAsync((answer, failure) -> {
            ticket.close(); // before the answer: its reader may ask again at once
            if (failure == null) {
                Reply.json(response, callback, 200, found(answer, query, exchange));
            } else {
                Reply.error(request, response, callback, failure);
            }
        }, request.getComponents().getExecutor());
    }

    private static CompletableFuture<Answer> detect(Ticket ticket, byte[] body, String boundary) {
        if (body.length == 0) {
            throw ApiError.badRequest("the body is empty; send the bytes of a picture");
        }
        return ticket.detect(boundary == null ? body : Multipart.image(body, boundary));
    }

    /** Of a form, or null for the picture itself. */
    private static String boundary(Request request) {
        if (request.getHeaders().contains(HttpHeader.CONTENT_ENCODING)) {
            throw ApiError.of(415, "Content-Encoding: pictures are sent as they are");
        }
        String type = request.getHeaders().get(HttpHeader.CONTENT_TYPE);
        String lower = HttpField.getValueParameters(type, null) == null ? "" : HttpField.getValueParameters(type, null).toLowerCase(Locale.ROOT);
        if (!lower.startsWith("multipart/")) {
            return null;
        }
        if (!lower.equals("multipart/form-data")) {
            throw ApiError.of(415, lower + ": of the multipart types, only multipart/form-data is understood");
        }
        String boundary = MultiPart.extractBoundary(type);
        if (boundary == null || boundary.isEmpty()) {
            throw ApiError.badRequest("multipart/form-data without its boundary");
        }
        return boundary;
    }

    private Found found(Answer answer, DetectQuery query, Exchange exchange) {
        List<FoundObject> wanted = answer.objects().stream().filter(o -> o.score() >= query.threshold()).limit(query.maxDetections()).toList();
        double total = (System.nanoTime() - exchange.begin) * 1e-9;
        Answer.Times t = answer.times();
        Map<String, Double> times = new LinkedHashMap<>();
        times.put("read", (exchange.read - exchange.begin) * 1e-9);
        times.put("decode", t.decode());
        times.put("preprocess", t.preprocess());
        times.put("queue", t.queue());
        times.put("forward", t.forward());
        times.put("postprocess", t.postprocess());
        times.put("total", total);
        metrics.answered(times);
        times.replaceAll((_, seconds) -> Math.round(seconds * MILLI * 1e3) / 1e3);
        return new Found(new Size(answer.width(), answer.height()), wanted, modelName, answer.batch(), times);
    }
}
