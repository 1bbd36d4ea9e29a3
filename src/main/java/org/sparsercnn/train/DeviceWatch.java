package org.sparsercnn.train;

import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.ObjLongConsumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.device.DeviceHealth;
import org.sparsercnn.device.DeviceHealth.Slowed;

/**
 * Looks at the device's sensors every {@value #PERIOD} steps: a line in the log every {@value #LINE_PERIOD}, and a warning, once for
 * each reason, when it begins to work slower than it could or its memory fails. A device that has gone ends the run there. What can be
 * read goes into the metrics: {@code gpu/power_watts}, {@code gpu/clock_mhz}, {@code gpu/celsius} and {@code gpu/memory_mib}.
 */
public final class DeviceWatch implements Hook {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");
    private static final int PERIOD = 20;
    private static final int LINE_PERIOD = 1000;

    private final Supplier<Optional<DeviceHealth>> sensors;
    private final boolean onScreen;
    private final ObjLongConsumer<Map<String, Double>> metrics;
    private final Set<Slowed> told = EnumSet.noneOf(Slowed.class);
    private long eccErrors = -1;
    private boolean first = true;

    /**
     * @param sensors {@code Device.health}
     * @param onScreen whether to log a line now and then; warnings are logged always
     * @param metrics takes a row of readings with its iteration
     */
    public DeviceWatch(Supplier<Optional<DeviceHealth>> sensors, boolean onScreen, ObjLongConsumer<Map<String, Double>> metrics) {
        this.sensors = sensors;
        this.onScreen = onScreen;
        this.metrics = metrics;
    }

    @Override
    public void afterStep(Progress p) {
        if ((p.iteration() + 1) % PERIOD == 0) {
            sensors.get().ifPresent(health -> {
                look(health, (p.iteration() + 1) % LINE_PERIOD == 0);
                Map<String, Double> row = row(health);
                if (!row.isEmpty()) {
                    metrics.accept(row, p.iteration());
                }
            });
        }
    }

    private static Map<String, Double> row(DeviceHealth health) {
        Map<String, Double> row = new LinkedHashMap<>();
        health.powerWatts().ifPresent(watts -> row.put("gpu/power_watts", watts));
        health.clockMHz().ifPresent(mhz -> row.put("gpu/clock_mhz", (double) mhz));
        health.celsius().ifPresent(celsius -> row.put("gpu/celsius", (double) celsius));
        health.memoryUsed().ifPresent(bytes -> row.put("gpu/memory_mib", bytes / 0x1p20));
        return row;
    }

    private void look(DeviceHealth health, boolean line) {
        if (onScreen && (first || line)) {
            LOG.info("{}", health);
        }
        first = false;
        for (Slowed reason : health.slowed()) {
            if (told.add(reason)) {
                LOG.warn("{} ({})", explain(health, reason), health.readings());
            }
        }
        long errors = health.eccErrors().orElse(0);
        if (errors > 0 && errors != eccErrors) {
            LOG.warn("The memory of {} has had {} errors that could not be corrected: results may be wrong. See nvidia-smi -q -d ECC; reset the"
                    + " card, and replace it if they come back.", health.device(), errors);
        }
        eccErrors = errors;
    }

    private static String explain(DeviceHealth health, Slowed reason) {
        return health.device() + switch (reason) {
            case POWER_LIMIT -> " has reached its power limit and works slower than it could. That is usual under full load; if nvidia-smi -q -d POWER"
                    + " shows a limit below the default, nvidia-smi -pl raises it.";
            case POWER_SUPPLY -> " gets less power than it asks for and works slower. The power supply is too small, a cable is loose, or the"
                    + " chassis limits the card: such a machine may fail without warning. Check cables and power supply, or lower the limit with"
                    + " nvidia-smi -pl.";
            case HEAT -> " is too hot and works slower. Improve the cooling: fans, dust, air flow, the room; or lower the power limit with"
                    + " nvidia-smi -pl.";
            case HARDWARE -> " was slowed down by its own hardware, to half its clocks or less, for heat or a fault of the power supply. Check"
                    + " cooling, cables and power supply before going on.";
        };
    }
}
