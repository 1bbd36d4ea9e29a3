package org.sparsercnn.web;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.UUID;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.util.Json;

/** Writes answers. */
final class Reply {
    /** Attribute of a request: the code of the error it was answered with. */
    static final String CODE = Reply.class.getName();

    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.serve");
    private static final String JSON = "application/json";
    private static final String RETRY_SECONDS = "1";

    private Reply() {}

    static void json(Response response, Callback callback, int status, Object body) {
        send(response, callback, status, JSON, bytes(body));
    }

    static void send(Response response, Callback callback, int status, String type, byte[] body) {
        response.setStatus(status);
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, type);
        response.getHeaders().put(HttpHeader.CONTENT_LENGTH, body.length);
        if (!response.getHeaders().contains(HttpHeader.CACHE_CONTROL)) {
            response.getHeaders().put(HttpHeader.CACHE_CONTROL, "no-store");
        }
        response.write(true, ByteBuffer.wrap(body), callback);
    }

    /**
     * Answers with an error.
     */
    static void error(Request request, Response response, Callback callback, Throwable thrown) {
        ApiError error = ApiError.of(thrown);
        String message = error.getMessage();
        if (error.code().equals(ApiError.INTERNAL)) {
            String id = UUID.randomUUID().toString();
            LOG.error("Request {} {}: defect {}", request.getMethod(), request.getHttpURI().getPath(), id, thrown);
            message += "; its log has it under " + id;
        }
        request.setAttribute(CODE, error.code());
        if (response.isCommitted()) {
            callback.failed(thrown);
            return;
        }
        if (error.status() == 503) {
            response.getHeaders().put(HttpHeader.RETRY_AFTER, RETRY_SECONDS);
        }
        byte[] body = bytes(Map.of("error", new Body(error.code(), message)));
        if (error.status() == 408) { // more would come as slowly
            response.getHeaders().put(HttpHeader.CONNECTION, "close");
            send(response, callback, error.status(), JSON, body);
            return;
        }
        Leftover.finish(request, response, callback, rest -> send(response, rest, error.status(), JSON, body));
    }

    /** Of an error. */
    private record Body(String code, String message) {}

    private static byte[] bytes(Object body) {
        try {
            return Json.MAPPER.writeValueAsString(body).getBytes(StandardCharsets.UTF_8);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
