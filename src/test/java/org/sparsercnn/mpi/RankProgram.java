package org.sparsercnn.mpi;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.sparsercnn.device.Collective;
import org.sparsercnn.dist.Launch;
import org.sparsercnn.dist.World;
import org.sparsercnn.io.Safetensors;
import org.sparsercnn.io.StateDict;
import org.sparsercnn.train.SplitTraining;
import org.sparsercnn.train.SplitTraining.Scenario;

/** One process of {@link SplitTraining}: {@code RankProgram FOLDER DIST_URL SCENARIO...} writes {@code FOLDER/<scenario>.<rank>}. */
final class RankProgram {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final int ID_BYTES = 128;

    private RankProgram() {}

    /** What follows {@code java}. */
    static List<String> command(Path folder, String distUrl, Scenario... scenarios) {
        return MpiJob.testClass(RankProgram.class, Stream.concat(Stream.of(folder.toString(), distUrl), Arrays.stream(scenarios).map(Scenario::name))
                .toArray(String[]::new));
    }

    /** What each rank wrote. */
    static List<StateDict> results(Path folder, int ranks, Scenario scenario) {
        return IntStream.range(0, ranks).mapToObj(rank -> Safetensors.read(file(folder, scenario, rank))).toList();
    }

    private static Path file(Path folder, Scenario scenario, int rank) {
        return folder.resolve(scenario + "." + rank);
    }

    public static void main(String[] arguments) {
        Launch launch = Launch.of(new Launch.Options(Optional.empty(), 1, 0, arguments[1]), System.getenv());
        try (World world = World.open(launch, TIMEOUT, () -> new byte[ID_BYTES])) {
            int rank = launch.first();
            try (Collective group = world.hostGroup(rank)) {
                for (String name : Arrays.asList(arguments).subList(2, arguments.length)) {
                    Scenario scenario = Scenario.valueOf(name);
                    Safetensors.write(file(Path.of(arguments[0]), scenario, rank), SplitTraining.run(scenario, group));
                }
            } catch (RuntimeException | Error e) {
                world.fail(rank, e);
                throw e;
            }
        }
    }
}
