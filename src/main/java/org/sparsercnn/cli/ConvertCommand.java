package org.sparsercnn.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.sparsercnn.app.Conversion;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code convert}: any checkpoint we can read to one that others can. */
@Command(name = "convert", description = "Convert a checkpoint (.pth, .pkl, .safetensors) to .safetensors or .pth.")
final class ConvertCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "IN", description = "A checkpoint.")
    private Path in;

    @Parameters(index = "1", paramLabel = "OUT", description = "The file to write; .safetensors or .pth.")
    private Path out;

    @Override
    public Integer call() {
        Conversion.run(in, out);
        return Main.OK;
    }
}
