package org.sparsercnn.web;

import java.util.LinkedHashMap;
import java.util.Map;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/** Which path is answered by what, and with which method. Whatever is thrown on the way is answered with an error here. */
final class Routes extends Handler.Abstract.NonBlocking {
    private static final String GET = "GET";
    private static final String HEAD = "HEAD";

    /** @param post whether it takes POST; otherwise GET and HEAD */
    private record Route(boolean post, Endpoint endpoint) {
        String allow() {
            return post ? "POST" : GET + ", " + HEAD;
        }

        boolean takes(String method) {
            return post ? method.equals("POST") : method.equals(GET) || method.equals(HEAD);
        }
    }

    private final Map<String, Route> routes = new LinkedHashMap<>();

    Routes get(String path, Endpoint endpoint) {
        routes.put(path, new Route(false, endpoint));
        return this;
    }

    Routes post(String path, Endpoint endpoint) {
        routes.put(path, new Route(true, endpoint));
        return this;
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) {
        String path = Request.getPathInContext(request);
        Route route = routes.get(path);
        try {
            if (route == null) {
                throw ApiError.of(404, "there is nothing at this path; /openapi.json lists what there is");
            }
            if (!route.takes(request.getMethod())) {
                response.getHeaders().put(HttpHeader.ALLOW, route.allow());
                throw ApiError.of(405, "this path takes " + route.allow());
            }
            route.endpoint.handle(request, response, callback);
        } catch (RuntimeException | Error e) {
            Reply.error(request, response, callback, e);
        }
        return true;
    }

    /** A label for a path: what a client makes up gets none of its own. */
    String label(String path) {
        return routes.containsKey(path) ? path : "other";
    }
}
