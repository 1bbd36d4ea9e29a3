package org.sparsercnn.web;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/** The page's files. There are these and no others: a path is looked up here and never becomes a name of a file. */
final class PageFiles {
    private record PageFile(byte[] bytes, String type, String etag) implements Endpoint {
        @Override
        public void handle(Request request, Response response, Callback callback) {
            response.getHeaders().put(HttpHeader.ETAG, etag);
            response.getHeaders().put(HttpHeader.CACHE_CONTROL, "no-cache"); // asks each time, and is mostly told: not modified
            if (request.getHeaders().contains(HttpHeader.IF_NONE_MATCH, etag)) {
                response.setStatus(304);
                callback.succeeded();
            } else {
                Reply.send(response, callback, 200, type, bytes);
            }
        }
    }

    private PageFiles() {}

    /** By path. */
    static Map<String, Endpoint> load() {
        Map<String, Endpoint> files = new LinkedHashMap<>();
        put(files, "/", "page/index.html", "text/html; charset=utf-8");
        put(files, "/app.js", "page/app.js", "text/javascript; charset=utf-8");
        put(files, "/overlay.js", "page/overlay.js", "text/javascript; charset=utf-8");
        put(files, "/style.css", "page/style.css", "text/css; charset=utf-8");
        put(files, "/favicon.svg", "page/favicon.svg", "image/svg+xml");
        put(files, "/openapi.json", "openapi.json", "application/json");
        return files;
    }

    private static void put(Map<String, Endpoint> files, String path, String resource, String type) {
        try (InputStream in = PageFiles.class.getResourceAsStream(resource)) {
            if (in != null) {
                byte[] bytes = in.readAllBytes();
                String hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes), 0, 8);
                files.put(path, new PageFile(bytes, type, "\"" + hash + "\""));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (NoSuchAlgorithmException e) { // every Java has it
            throw new IllegalStateException(e);
        }
    }
}
