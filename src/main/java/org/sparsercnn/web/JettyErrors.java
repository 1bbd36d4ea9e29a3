package org.sparsercnn.web;

import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.Callback;

/** Errors that Jetty finds by itself, such as malformed requests, in the words of the API. */
final class JettyErrors implements Request.Handler {
    private final Metrics metrics;

    JettyErrors(Metrics metrics) {
        this.metrics = metrics;
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) {
        boolean counted = request.getAttribute(Reply.CODE) != null;
        answer(request, response, callback);
        if (!counted && request.getAttribute(Reply.CODE) instanceof String code) {
            metrics.ended("other", response.getStatus(), code);
        }
        return true;
    }

    private static void answer(Request request, Response response, Callback callback) {
        Guard.protect(response);
        response.getHeaders().put(HttpHeader.CONNECTION, "close"); // Jetty closes; a client that is not told would send its next request into nothing
        int status = response.getStatus();
        Object thrown = request.getAttribute(ErrorHandler.ERROR_EXCEPTION);
        if (status == 500 && thrown instanceof Throwable defect) {
            Reply.error(request, response, callback, defect);
            return;
        }
        Object message = request.getAttribute(ErrorHandler.ERROR_MESSAGE);
        Reply.error(request, response, callback, ApiError.of(status, message == null ? "the request cannot be answered" : message.toString()));
    }
}
