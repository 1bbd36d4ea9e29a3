package org.sparsercnn.io;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/**
 * Turns what MODEL.WEIGHTS may name into a local file: a path as it is; {@code detectron2://…}, {@code https://…} and
 * {@code http://…} downloaded once into the folder that detectron2 (iopath) uses, under the same relative path, so that
 * both programs share it: {@code $FVCORE_CACHE}, else {@code ~/.torch/iopath_cache}.
 */
public final class WeightsCache {
    private static final Logger LOG = LoggerFactory.getLogger(WeightsCache.class);
    private static final String DETECTRON2 = "detectron2://";
    /** detectron2's Detectron2Handler. */
    private static final URI DETECTRON2_FILES = URI.create("https://dl.fbaipublicfiles.com/detectron2/");
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(60);
    private static final long REPORT_EVERY = 64L << 20;

    private final Path root;
    private final URI detectron2Files;

    public WeightsCache(Path root, URI detectron2Files) {
        this.root = root.toAbsolutePath().normalize();
        this.detectron2Files = detectron2Files;
    }

    /** The cache that detectron2 on this machine would use. */
    public static WeightsCache standard(Map<String, String> environment) {
        String home = System.getProperty("user.home");
        String configured = environment.getOrDefault("FVCORE_CACHE", "");
        Path root = configured.isEmpty() ? Path.of(home, ".torch", "iopath_cache")
                : configured.equals("~") || configured.startsWith("~/") ? Path.of(home + configured.substring(1))
                : Path.of(configured);
        return new WeightsCache(root, DETECTRON2_FILES);
    }

    /** The local file for {@code weights}; {@link BadInput} if it is not there and cannot be downloaded. */
    public Path resolve(String weights) {
        String address = weights.startsWith(DETECTRON2)
                ? detectron2Files.resolve(weights.substring(DETECTRON2.length())).toString() : weights;
        if (address.startsWith("https://") || address.startsWith("http://")) {
            return download(weights, uri(address));
        }
        if (address.matches("[a-zA-Z][a-zA-Z0-9+.-]+://.*")) {
            throw new BadInput("MODEL.WEIGHTS '" + weights + "': this kind of address is not supported; use a path,"
                    + " https://…, or detectron2://…");
        }
        Path file = Path.of(address.startsWith("~/") ? System.getProperty("user.home") + address.substring(1) : address);
        if (!Files.exists(file)) {
            throw new BadInput(file + ": no such file; check MODEL.WEIGHTS or the option that names it");
        }
        return file;
    }

    /** The folder, for messages and doctor. */
    @Override
    public String toString() {
        return root.toString();
    }

    private static URI uri(String address) {
        try {
            return URI.create(address);
        } catch (IllegalArgumentException e) {
            throw new BadInput("'" + address + "' is not a valid address: " + e.getMessage(), e);
        }
    }

    private Path download(String weights, URI address) {
        String relative = address.getPath() == null ? "" : address.getPath().replaceFirst("^/+", "");
        Path file = root.resolve(relative).normalize();
        if (relative.isEmpty() || relative.endsWith("/") || !file.startsWith(root) || file.equals(root)) {
            throw new BadInput("'" + weights + "': the address names no file");
        }
        if (Files.isRegularFile(file)) {
            return file;
        }
        try {
            Files.createDirectories(file.getParent());
            // One download for all processes of a run. Threads of one process share its file locks, hence the monitor.
            synchronized (WeightsCache.class) {
                try (FileChannel channel = FileChannel.open(file.resolveSibling(file.getFileName() + ".lock"),
                        StandardOpenOption.CREATE, StandardOpenOption.WRITE); FileLock _ = channel.lock()) {
                    if (!Files.isRegularFile(file)) {
                        fetch(address, file);
                    }
                }
            }
            return file;
        } catch (Unreachable e) {
            throw new BadInput(String.format("%s cannot be downloaded: %s. Download it elsewhere from%n  %s%nand put it at%n"
                    + "  %s%nor set MODEL.WEIGHTS to another file.", weights, e.getMessage(), address, file), e);
        } catch (IOException e) {
            throw new BadInput(file + ": cannot be written: " + AtomicFiles.reason(e)
                    + "; free some space, or set FVCORE_CACHE to a folder that is writable", e);
        }
    }

    /** A failure of the network, in contrast to one of the disk. */
    private static final class Unreachable extends IOException {
        Unreachable(String reason, Throwable cause) {
            super(reason, cause);
        }
    }

    private static void fetch(URI address, Path file) throws IOException {
        LOG.info("Downloading {} to {}", address, file);
        try (HttpClient client = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL)
                .connectTimeout(CONNECT_TIMEOUT).build()) {
            HttpResponse<InputStream> response = send(client, address);
            try (InputStream body = response.body()) {
                if (response.statusCode() != 200) {
                    throw new Unreachable("the server answers with status " + response.statusCode(), null);
                }
                OptionalLong announced = response.headers().firstValueAsLong("Content-Length");
                MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
                long[] size = {0};
                AtomicFiles.write(file, out -> {
                    byte[] chunk = new byte[1 << 16];
                    for (int n; (n = read(body, chunk)) > 0;) {
                        out.write(chunk, 0, n);
                        sha256.update(chunk, 0, n);
                        if (size[0] / REPORT_EVERY != (size[0] += n) / REPORT_EVERY) {
                            LOG.info("  {} MB of {}", size[0] >> 20,
                                    announced.isPresent() ? (announced.getAsLong() >> 20) + " MB" : "unknown size");
                        }
                    }
                    if (announced.isPresent() && announced.getAsLong() != size[0]) {
                        throw new Unreachable("the server announced " + announced.getAsLong() + " bytes and sent " + size[0],
                                null);
                    }
                });
                LOG.info("Downloaded {}: {} bytes, SHA-256 {}", file, size[0], HexFormat.of().formatHex(sha256.digest()));
            }
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    private static HttpResponse<InputStream> send(HttpClient client, URI address) throws Unreachable {
        try {
            return client.send(HttpRequest.newBuilder(address).timeout(ANSWER_TIMEOUT).build(), HttpResponse.BodyHandlers.ofInputStream());
        } catch (IOException e) {
            throw new Unreachable("no connection" + (e.getMessage() == null ? " to " + address.getHost() : ": " + e.getMessage()), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Unreachable("interrupted", e);
        } catch (IllegalArgumentException e) {
            throw new Unreachable("not a valid address: " + e.getMessage(), e);
        }
    }

    private static int read(InputStream body, byte[] chunk) throws Unreachable {
        try {
            return body.read(chunk);
        } catch (IOException e) {
            throw new Unreachable("the connection broke" + (e.getMessage() == null ? "" : ": " + e.getMessage()), e);
        }
    }
}
