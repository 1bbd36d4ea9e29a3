package org.sparsercnn.web;

import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.app.Interrupts;
import org.sparsercnn.app.serving.DetectionService;
import org.sparsercnn.util.GuardStop;

/** {@code serve}, from the first request to the signal that ends it. */
public final class Serving {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.serve");

    private Serving() {}

    /**
     * Serves until SIGINT, SIGTERM or SIGHUP.
     *
     * @param service closed at the end
     * @return the exit code: 128 and the number of the signal
     * @throws GuardStop if the device computes no more
     */
    public static int untilInterrupted(DetectionService service, ModelInfo model, WebOptions options) {
        CountDownLatch end = new CountDownLatch(1);
        Interrupts interrupts = Interrupts.ofProcess(() -> {
            LOG.info("Interrupted: answering what is under way. Once more ends the program at once.");
            end.countDown();
        });
        service.failure().thenRun(end::countDown);
        try (interrupts; service; WebServer server = WebServer.start(service, model, options)) {
            interrupts.listen();
            LOG.info("Serving {} {} with {}, batches of up to {}; Ctrl-C ends", server.address(), model.name(), service.description().device(), service.mostInBatch());
            end.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!interrupts.requested()) {
            throw new GuardStop("the device computes no more, see above; the server has ended");
        }
        LOG.info("All requests are answered");
        return interrupts.exitCode();
    }
}
