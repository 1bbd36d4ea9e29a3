package org.sparsercnn.web;

import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/**
 * What a client still sends of a body that nobody wants. It is read and dropped for a while after the answer; a connection closed with
 * unread bytes is reset, and the client would never see the answer.
 */
final class Leftover implements Runnable {
    private static final long MOST_BYTES = 256L << 20;
    private static final long MOST_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final Request request;
    private final Callback callback;
    private final long begin = System.nanoTime();
    private long bytes;

    private Leftover(Request request, Callback callback) {
        this.request = request;
        this.callback = callback;
    }

    /** @param answer writes the whole answer; its callback is the argument */
    static void finish(Request request, Response response, Callback callback, Consumer<Callback> answer) {
        boolean asksFirst = request.getHeaders().contains(HttpHeader.EXPECT); // it has sent nothing yet, and then will not
        if (!asksFirst) {
            Content.Chunk first = request.read();
            if (first != null) {
                first.release();
                if (first.isLast() || Content.Chunk.isFailure(first)) {
                    answer.accept(callback);
                    return;
                }
            }
        }
        response.getHeaders().put(HttpHeader.CONNECTION, "close");
        answer.accept(asksFirst ? callback : Callback.from(new Leftover(request, callback), callback::failed));
    }

    @Override
    public void run() {
        while (true) {
            Content.Chunk chunk = request.read();
            if (chunk == null) {
                request.demand(this);
                return;
            }
            bytes += chunk.remaining();
            chunk.release();
            if (chunk.isLast() || Content.Chunk.isFailure(chunk) || bytes > MOST_BYTES || System.nanoTime() - begin > MOST_NANOS) {
                callback.succeeded();
                return;
            }
        }
    }
}
