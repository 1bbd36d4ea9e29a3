package org.sparsercnn.web;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/**
 * Keeps other web sites out. A browser sends whatever any page asks it to, also to a server on its own machine: a page elsewhere could
 * have pictures analysed, or read answers through a name of its own that it lets point here (DNS rebinding). So the Host header
 * must be a name of this server, and a request that a browser made for another site is refused.
 */
final class Guard extends Handler.Wrapper {
    private static final String SEC_FETCH_SITE = "Sec-Fetch-Site";

    private final Set<String> hosts = new HashSet<>();

    /** @param port the one that is bound */
    Guard(WebOptions options, int port, Handler next) {
        super(next);
        for (String name : List.of("localhost", "127.0.0.1", "[::1]", bracketed(options.host()))) {
            allow(name, port);
        }
        options.allowedHosts().forEach(name -> allow(name, port));
    }

    private static String bracketed(String host) {
        return host.contains(":") && !host.startsWith("[") ? "[" + host + "]" : host;
    }

    private void allow(String name, int port) {
        String lower = name.toLowerCase(Locale.ROOT);
        hosts.add(lower);
        if (!lower.matches(".*:\\d+")) {
            hosts.add(lower + ":" + port);
        }
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) throws Exception {
        protect(response);
        String refusal = refusal(request.getHeaders());
        if (refusal != null) {
            Reply.error(request, response, callback, ApiError.of(403, refusal));
            return true;
        }
        return super.handle(request, response, callback);
    }

    /** Null for a request that may pass. */
    private String refusal(HttpFields headers) {
        List<String> named = headers.getValuesList(HttpHeader.HOST);
        String host = named.size() == 1 ? named.getFirst().toLowerCase(Locale.ROOT) : "";
        if (!hosts.contains(host)) {
            return "the Host header is not a name of this server; start it with --allowed-host for another name";
        }
        List<String> origins = headers.getValuesList(HttpHeader.ORIGIN);
        for (String origin : origins) { // behind a proxy the scheme may be another one
            String lower = origin.toLowerCase(Locale.ROOT);
            if (!lower.equals("http://" + host) && !lower.equals("https://" + host)) {
                return "requests from pages of other origins are refused";
            }
        }
        return "cross-site".equalsIgnoreCase(headers.get(SEC_FETCH_SITE)) ? "requests from other sites are refused" : null;
    }

    /** What tells the browser to keep the page to itself. */
    static void protect(Response response) {
        response.getHeaders().put("Content-Security-Policy", "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none';"
                + " base-uri 'none'; frame-ancestors 'none'; form-action 'none'");
        response.getHeaders().put("X-Content-Type-Options", "nosniff");
        response.getHeaders().put("Referrer-Policy", "no-referrer");
        response.getHeaders().put("Permissions-Policy", "camera=(self)");
        response.getHeaders().put("Cross-Origin-Resource-Policy", "same-origin");
    }
}
