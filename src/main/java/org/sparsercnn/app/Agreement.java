package org.sparsercnn.app;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
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
    private static final String PROGRAM = "the program";
    private static final String NOTHING = "missing";

    private final Config config;
    private final Map<String, Supplier<String>> facts = new LinkedHashMap<>();

    Agreement(Config config) {
        this.config = config;
        facts.put(PROGRAM, () -> "sparse-rcnn " + EnvironmentReport.version().orElse("from a folder of classes"));
    }

    Agreement with(Dataset data) {
        facts.put("data set " + data.name(), () -> describe(data));
        return this;
    }

    Agreement with(String topic, String value) {
        facts.put(topic, () -> value);
        return this;
    }

    /** Its images and boxes in a few words and a checksum. */
    private static String describe(Dataset data) {
        CRC32C sum = new CRC32C();
        long objects = 0;
        for (ImageRecord image : data.images()) {
            sum.update((image.id() + " " + image.fileName() + " " + image.width() + "x" + image.height() + Arrays.toString(image.boxesXywhPx())
                    + Arrays.toString(image.classes())).getBytes(StandardCharsets.UTF_8));
            objects += image.instances();
        }
        return data.size() + " images with " + objects + " objects, checksum " + Long.toHexString(sum.getValue());
    }

    /**
     * Every rank calls it; one that is alone agrees.
     *
     * @throws BadInput where this rank was started otherwise than rank 0: with the first differences
     */
    void require(Device device, Collective group) {
        if (group.size() == 1) {
            return;
        }
        HostData words = new HostData(device, group);
        List<String> differences = new ArrayList<>();
        Map<String, String> here = new LinkedHashMap<>();
        facts.forEach((topic, fact) -> here.put(topic, fact.get()));
        Map<String, String> there = parsed(words.share(text(here), 0)); // in one piece: ranks that differ may differ in how many there are
        Set<String> topics = new LinkedHashSet<>(here.keySet());
        topics.addAll(there.keySet());
        topics.forEach(topic -> note(differences, topic, here.getOrDefault(topic, NOTHING), there.getOrDefault(topic, NOTHING)));
        String configThere = words.share(config.dump(), 0);
        if (differences.isEmpty()) { // else keys and defaults may be others, too
            Config.ofDump(configThere, "the config of rank 0").diff(config).stream().filter(d -> !OWN.contains(d.key()))
                    .forEach(d -> note(differences, d.key(), d.to().repr(), d.from().repr()));
        }
        if (!differences.isEmpty()) {
            throw BadInput.of("it was started otherwise than rank 0: %s%s. All ranks need the same program, config and data, and one OUTPUT_DIR, on a"
                    + " file system that their machines share", String.join("; ", differences.stream().limit(SHOWN).toList()),
                    differences.size() > SHOWN ? "; and " + (differences.size() - SHOWN) + " more" : "");
        }
        group.barrier(); // nothing is begun, or written, before all agree
    }

    private static String text(Map<String, String> facts) {
        return facts.entrySet().stream().map(fact -> fact.getKey() + "\t" + fact.getValue()).collect(Collectors.joining("\n"));
    }

    private static Map<String, String> parsed(String text) {
        Map<String, String> facts = new LinkedHashMap<>();
        text.lines().map(line -> line.split("\t", 2)).forEach(fact -> facts.put(fact[0], fact[1]));
        return facts;
    }

    private static void note(List<String> differences, String topic, String here, String there) {
        if (!here.equals(there)) {
            differences.add(topic + " is " + here + ", on rank 0 " + there);
        }
    }
}
