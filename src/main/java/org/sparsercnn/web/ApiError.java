package org.sparsercnn.web;

import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import org.sparsercnn.app.serving.Refusal;
import org.sparsercnn.util.BadInput;

/** An answer that is none: its status and the code and message of its body. */
final class ApiError extends RuntimeException {
    static final String INTERNAL = "internal";
    private static final Map<Integer, String> CODES = Map.of(403, "forbidden", 404, "not_found", 405, "method_not_allowed", 408, "body_timeout",
            413, "body_too_large", 414, "uri_too_long", 415, "unsupported_media_type", 431, "headers_too_large", 503, "shutting_down");

    private final int status;
    private final String code;

    private ApiError(int status, String code, String message) {
        super(message, null, false, false);
        this.status = status;
        this.code = code;
    }

    /** With the code that goes with the status. */
    static ApiError of(int status, String message) {
        return new ApiError(status, CODES.getOrDefault(status, status < 500 ? "bad_request" : INTERNAL), message);
    }

    static ApiError badRequest(String message) {
        return of(400, message);
    }

    /** Nobody is there to read this. */
    static ApiError clientGone() {
        return new ApiError(400, "client_gone", "the connection ended before the request did");
    }

    /** What went wrong while a request was answered; a defect gets the code {@link #INTERNAL}. */
    static ApiError of(Throwable thrown) {
        Throwable e = thrown;
        while (e instanceof CompletionException && e.getCause() != null) {
            e = e.getCause();
        }
        return switch (e) {
            case ApiError known -> known;
            case BadInput bad -> new ApiError(400, "bad_image", bad.getMessage());
            case Refusal refusal -> new ApiError(503, refusal.reason().name().toLowerCase(Locale.ROOT), refusal.getMessage());
            case CancellationException _ -> clientGone();
            default -> new ApiError(500, INTERNAL, "a defect of the server");
        };
    }

    int status() {
        return status;
    }

    String code() {
        return code;
    }
}
