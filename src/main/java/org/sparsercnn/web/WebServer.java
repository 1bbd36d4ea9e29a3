package org.sparsercnn.web;

import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.eclipse.jetty.http.HttpCompliance;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.GracefulHandler;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.sparsercnn.app.serving.DetectionService;
import org.sparsercnn.util.BadInput;

/** A {@link DetectionService} behind HTTP. */
public final class WebServer implements AutoCloseable {
    private static final int MOST_THREADS = 32;
    private static final int MOST_CONNECTIONS = 1024;
    private static final int MOST_HEADER_BYTES = 8192;
    private static final long IDLE_MILLIS = 15_000;

    private final DetectionService service;
    private final WebOptions options;
    private final Server server;
    private final ServerConnector connector;

    private WebServer(DetectionService service, WebOptions options) {
        this.service = service;
        this.options = options;
        QueuedThreadPool threads = new QueuedThreadPool(MOST_THREADS, 2);
        threads.setName("http");
        this.server = new Server(threads);
        this.connector = new ServerConnector(server, 1, 1, new HttpConnectionFactory(http()));
        connector.setHost(options.host());
        connector.setPort(options.port());
        connector.setIdleTimeout(IDLE_MILLIS);
        connector.setReuseAddress(true);
        server.addConnector(connector);
        server.addBean(new NetworkConnectionLimit(MOST_CONNECTIONS, server));
        server.setStopTimeout((long) (1000 * service.limits().seconds()) + 1000);
    }

    private static HttpConfiguration http() {
        HttpConfiguration http = new HttpConfiguration();
        http.setSendServerVersion(false);
        http.setRequestHeaderSize(MOST_HEADER_BYTES);
        http.setHttpCompliance(HttpCompliance.RFC7230);
        return http;
    }

    /**
     * Begins to answer.
     *
     * @param model what {@code GET /v1/model} tells
     * @throws BadInput if the address cannot be bound
     */
    public static WebServer start(DetectionService service, ModelInfo model, WebOptions options) {
        WebServer web = new WebServer(service, options);
        try {
            web.bind();
            web.server.setHandler(web.handlers(model));
            web.server.start();
            return web;
        } catch (Exception e) { // what start throws
            web.connector.close();
            throw e instanceof RuntimeException known ? known : new IllegalStateException("the server does not start", e);
        }
    }

    private void bind() {
        try {
            InetAddress.getByName(options.host());
            connector.open();
        } catch (UnknownHostException e) {
            throw new BadInput("--host " + options.host() + ": there is no such name or address", e);
        } catch (IOException e) {
            Throwable reason = e.getCause() == null ? e : e.getCause();
            throw new BadInput("--host " + options.host() + " --port " + options.port() + ": cannot listen there: " + reason.getMessage()
                    + (isOfThisMachine(options.host()) ? "; choose another port, or 0 for any that is free"
                            : "; it is not an address of this machine: 127.0.0.1 takes requests from this machine alone, 0.0.0.0 all that reach it"), e);
        }
    }

    /** Asked only where binding failed: the system may take addresses that no interface lists. */
    private static boolean isOfThisMachine(String host) {
        try {
            InetAddress address = InetAddress.getByName(host);
            return address.isAnyLocalAddress() || address.isLoopbackAddress() || NetworkInterface.getByInetAddress(address) != null;
        } catch (IOException _) {
            return true; // not known to be another machine's
        }
    }

    private Handler handlers(ModelInfo model) {
        Metrics metrics = new Metrics(service);
        server.setErrorHandler(new JettyErrors(metrics));
        Routes routes = new Routes();
        PageFiles.load().forEach(routes::get);
        routes.get("/healthz", this::health);
        routes.get("/metrics", (_, response, callback) ->
                Reply.send(response, callback, 200, MetricsText.TYPE, metrics.toString().getBytes(StandardCharsets.UTF_8)));
        routes.get("/v1/model", (_, response, callback) -> Reply.json(response, callback, 200, model.json(service, options)));
        routes.post("/v1/detect", new DetectEndpoint(service, model.name(), options.bodyBytes(), metrics));
        Guard guard = new Guard(options, connector.getLocalPort(), routes);
        return new GracefulHandler(new Handler.Wrapper(guard) {
            @Override
            public boolean handle(Request request, Response response, Callback callback) throws Exception {
                Request.addCompletionListener(request, failure -> metrics.ended(routes.label(Request.getPathInContext(request)), response.getStatus(),
                        request.getAttribute(Reply.CODE) instanceof String code ? code : failure != null ? "client_gone" : "ok"));
                return super.handle(request, response, callback);
            }
        });
    }

    private void health(Request request, Response response, Callback callback) {
        String status = service.failure().isDone() ? "device_failed" : service.refusesNew() ? "shutting_down" : "ok";
        Reply.json(response, callback, status.equals("ok") ? 200 : 503, Map.of("status", status));
    }

    /** {@code http://127.0.0.1:8080/} */
    public String address() {
        String host = options.host().contains(":") ? "[" + options.host() + "]" : options.host();
        return "http://" + host + ":" + port() + "/";
    }

    public int port() {
        return connector.getLocalPort();
    }

    /** Stops listening, and ends when what is under way has been answered or its time is over. */
    @Override
    public void close() {
        service.refuseNew();
        try {
            server.stop();
        } catch (Exception e) { // what stop throws
            throw new IllegalStateException("the server did not stop in order", e);
        }
    }
}
