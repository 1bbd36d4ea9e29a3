package org.sparsercnn.app;

import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.io.CheckpointReader;
import org.sparsercnn.io.LoadedCheckpoint;
import org.sparsercnn.io.Safetensors;
import org.sparsercnn.io.TorchWriter;
import org.sparsercnn.util.BadInput;

/** The model weights of one checkpoint file into another format. */
public final class Conversion {
    private static final Logger LOG = LoggerFactory.getLogger(Conversion.class);

    private Conversion() {}

    public static void run(Path in, Path out) {
        String name = out.getFileName().toString();
        if (!name.endsWith(".safetensors") && !name.endsWith(".pth")) {
            throw new BadInput(out + ": unknown format; the name must end in .safetensors or .pth");
        }
        LoadedCheckpoint checkpoint = CheckpointReader.read(in);
        if (name.endsWith(".pth")) {
            TorchWriter.write(out, checkpoint.model());
        } else {
            Categories.in(checkpoint).ifPresent(map -> Categories.put(checkpoint.model(), map));
            Safetensors.write(out, checkpoint.model());
        }
        LOG.info("{} ({}, {} tensors) -> {}", in, checkpoint.format(), checkpoint.model().size(), out);
    }
}
