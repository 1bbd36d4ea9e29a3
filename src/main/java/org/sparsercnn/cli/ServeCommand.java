package org.sparsercnn.cli;

import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.sparsercnn.app.serving.DetectionService;
import org.sparsercnn.app.serving.Limits;
import org.sparsercnn.config.Config;
import org.sparsercnn.web.ModelInfo;
import org.sparsercnn.web.Serving;
import org.sparsercnn.web.WebOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code serve}: detections over HTTP. */
@Command(name = "serve", description = "Find objects in pictures that come over HTTP; with a page to try it.")
final class ServeCommand implements Callable<Integer> {
    private static final double MEGA = 1e6;

    @ParentCommand
    private Main main;

    @Mixin
    private ConfigOptions config;

    @Option(names = "--host", paramLabel = "HOST", defaultValue = "127.0.0.1", description = "Name or address to listen at (default ${DEFAULT-VALUE}: this machine alone).")
    private String host;

    @Option(names = "--port", paramLabel = "N", defaultValue = "8080", description = "Port to listen at (default ${DEFAULT-VALUE}); 0: any that is free.")
    private int port;

    @Option(names = "--allowed-host", paramLabel = "NAME", description = "One more name of the server in requests, e.g. behind a proxy; may be repeated.")
    private List<String> allowedHosts = List.of();

    @Option(names = "--queue", paramLabel = "N", defaultValue = "64", description = "Requests under way at a time (default ${DEFAULT-VALUE}); one more is answered 503.")
    private int queue;

    @Option(names = "--batch-size", paramLabel = "N", description = "Pictures a pass at most (default: 1 on the CPU, 8 on a GPU).")
    private Integer batchSize;

    @Option(names = "--batch-wait", paramLabel = "MS", defaultValue = "5", description = "Milliseconds a picture waits for others of its size (default ${DEFAULT-VALUE}).")
    private double batchWait;

    @Option(names = "--max-body-mb", paramLabel = "MB", defaultValue = "16", description = "Megabytes of a request's body (default ${DEFAULT-VALUE}).")
    private double maxBodyMb;

    @Option(names = "--max-megapixels", paramLabel = "MP", defaultValue = "32", description = "Megapixels of a picture (default ${DEFAULT-VALUE}).")
    private double maxMegapixels;

    @Option(names = "--timeout", paramLabel = "S", defaultValue = "30", description = "Seconds from a request to its answer (default ${DEFAULT-VALUE}).")
    private double timeout;

    @Parameters(arity = "0..*", paramLabel = "KEY VALUE", description = "Config overrides, e.g. MODEL.WEIGHTS model.pth")
    private List<String> overrides;

    @Override
    public Integer call() {
        Config c = config.load(overrides);
        Limits limits = new Limits(queue, batchSize == null ? OptionalInt.empty() : OptionalInt.of(batchSize), batchWait, timeout,
                Math.round(maxMegapixels * MEGA));
        WebOptions web = new WebOptions(host, port, allowedHosts, Math.round(maxBodyMb * MEGA));
        ModelInfo model = ModelInfo.of(config.configFile, Main.class.getPackage().getImplementationVersion());
        return Serving.untilInterrupted(DetectionService.open(main.environment(), c, config.device(), limits), model, web);
    }
}
