package org.sparsercnn.app;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32C;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.Dataset;
import org.sparsercnn.data.ImageRecord;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Device;
import org.sparsercnn.dist.HostData;
import org.sparsercnn.util.BadInput;

/** Ranks that work together must have been started alike: the same program, config and data, at the same place of the run. */
final class Agreement {
    private static final int SHOWN = 5;
    /** Where a run writes, and on what it computes, may be each machine's own. */
    private static final Set<String> OWN = Set.of("OUTPUT_DIR", "MODEL.DEVICE");

    private final HostData words;

    Agreement(Device device, Collective group) {
        this.words = new HostData(device, group);
    }

    /** A line for each thing that must be the same. */
    static List<String> ofTraining(Job job) {
        List<String> lines = of(job.config());
        lines.add("first iteration: " + job.start().iteration());
        lines.add(data(job.data()));
        return lines;
    }

    static List<String> of(Config config) {
        List<String> lines = new ArrayList<>();
        lines.add("program: sparse-rcnn " + EnvironmentReport.version().orElse("from a folder of classes"));
        Config.defaults().diff(config).stream().filter(d -> !OWN.contains(d.key())).forEach(d -> lines.add(d.key() + ": " + d.to().repr()));
        return lines;
    }

    /** Its images and boxes, in a few words and a checksum. */
    static String data(Dataset data) {
        CRC32C sum = new CRC32C();
        long objects = 0;
        for (ImageRecord image : data.images()) {
            sum.update((image.id() + " " + image.fileName() + " " + image.width() + "x" + image.height() + Arrays.toString(image.boxesXywhPx())
                    + Arrays.toString(image.classes())).getBytes(StandardCharsets.UTF_8));
            objects += image.instances();
        }
        return "data set " + data.name() + ": " + data.size() + " images, " + objects + " objects, checksum " + Long.toHexString(sum.getValue());
    }

    /**
     * Every rank calls it.
     *
     * @throws BadInput where this rank's lines are not rank 0's: with the first that differ
     */
    void require(List<String> mine) {
        List<String> wanted = words.share(String.join("\n", mine), 0).lines().toList();
        Set<String> here = new LinkedHashSet<>(mine);
        wanted.forEach(here::remove);
        Set<String> there = new LinkedHashSet<>(wanted);
        mine.forEach(there::remove);
        if (!here.isEmpty() || !there.isEmpty()) {
            throw BadInput.of("it was started otherwise than rank 0. Here: %s. On rank 0: %s. All ranks need the same program, config, data and"
                    + " OUTPUT_DIR, on a file system that all machines share", shown(here), shown(there));
        }
    }

    private static String shown(Set<String> lines) {
        return lines.isEmpty() ? "nothing of that" : String.join("; ", lines.stream().limit(SHOWN).toList()) + (lines.size() > SHOWN ? "; …" : "");
    }
}
