package org.sparsercnn.web;

import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/** Answers the requests for one path; what it throws is answered with an error. It must not block. */
@FunctionalInterface
interface Endpoint {
    void handle(Request request, Response response, Callback callback);
}
