package org.sparsercnn.web;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.http.HttpException;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.util.thread.Scheduler;

/** A request's whole body, as it arrives, within a size and a time. No thread waits for it. */
final class BodyReader implements Runnable {
    private static final int FIRST = 1 << 16;

    private final Request request;
    private final long most;
    private final CompletableFuture<byte[]> whole = new CompletableFuture<>();
    private byte[] bytes;
    private int length;

    private BodyReader(Request request, long most) {
        this.request = request;
        this.most = most;
        this.bytes = new byte[Math.clamp(request.getLength(), 0, FIRST)]; // a length that is only claimed takes no memory
    }

    /**
     * @param nanos for all of it
     * @return fails with {@link ApiError}
     */
    static CompletableFuture<byte[]> read(Request request, long most, long nanos) {
        if (request.getLength() > most) {
            return CompletableFuture.failedFuture(tooLarge(most));
        }
        BodyReader reader = new BodyReader(request, most);
        Scheduler.Task alarm = request.getComponents().getScheduler().schedule(reader::tooSlow, nanos, TimeUnit.NANOSECONDS);
        reader.run();
        return reader.whole.whenComplete((_, _) -> alarm.cancel());
    }

    private static ApiError tooLarge(long most) {
        return ApiError.of(413, String.format(Locale.ROOT, "the body is larger than %,d bytes, which are allowed", most));
    }

    private void tooSlow() {
        whole.completeExceptionally(ApiError.of(408, "the body did not arrive in time"));
    }

    @Override
    public void run() {
        while (!whole.isDone()) {
            Content.Chunk chunk = request.read();
            if (chunk == null) {
                request.demand(this);
                return;
            }
            if (Content.Chunk.isFailure(chunk)) {
                whole.completeExceptionally(reason(chunk.getFailure()));
                return;
            }
            boolean last = chunk.isLast();
            boolean fits = length + chunk.remaining() <= most;
            if (fits) {
                append(chunk.getByteBuffer());
            }
            chunk.release();
            if (!fits) {
                whole.completeExceptionally(tooLarge(most));
            } else if (last) {
                whole.complete(bytes.length == length ? bytes : Arrays.copyOf(bytes, length));
            }
        }
    }

    private void append(ByteBuffer more) {
        int n = more.remaining();
        if (length + n > bytes.length) {
            bytes = Arrays.copyOf(bytes, (int) Math.min(most, Math.max(2L * bytes.length, length + n)));
        }
        more.get(bytes, length, n);
        length += n;
    }

    private static Throwable reason(Throwable failure) {
        return switch (failure) {
            case TimeoutException _ -> ApiError.of(408, "the body stopped arriving");
            case HttpException bad -> ApiError.of(bad.getCode(), "the body is malformed: " + bad.getReason());
            default -> ApiError.clientGone();
        };
    }
}
