package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.sparsercnn.data.DataLoader;
import org.sparsercnn.device.DeviceHealth;
import org.sparsercnn.device.DeviceHealth.Slowed;
import org.sparsercnn.util.BadInput;

class DeviceWatchTest {
    private static final Logger LOG = (Logger) LoggerFactory.getLogger("sparsercnn.train");

    private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
    private Optional<DeviceHealth> now = Optional.empty();
    private final List<String> rows = new ArrayList<>();
    private int looks;
    private final DeviceWatch watch = new DeviceWatch(() -> {
        looks++;
        return now;
    }, true, (row, iteration) -> rows.add(iteration + " " + row));

    @BeforeEach
    void listen() {
        logged.start();
        LOG.addAppender(logged);
        LOG.setAdditive(false);
    }

    @AfterEach
    void silence() {
        LOG.detachAppender(logged);
        LOG.setAdditive(true);
    }

    private static Optional<DeviceHealth> health(long eccErrors, Slowed... slowed) {
        return Optional.of(new DeviceHealth("cuda:0 (H200)", OptionalDouble.of(650), OptionalDouble.of(700), OptionalInt.of(1755), OptionalInt.of(1980),
                OptionalInt.of(64), Set.of(slowed), OptionalLong.empty(), OptionalLong.empty(), OptionalLong.of(eccErrors), "650 of 700 W, 64 °C"));
    }

    private void steps(long from, long to) {
        for (long i = from; i < to; i++) {
            watch.afterStep(new Progress(i, 10_000, new StepResult(Map.of(), 0, 0, true), 0, 0, 0, 0, 1, 0, new DataLoader.Queue(0, 0, 0), 0));
        }
    }

    private List<String> messages(Level level) {
        List<String> all = new ArrayList<>();
        logged.list.stream().filter(e -> e.getLevel() == level).forEach(e -> all.add(e.getFormattedMessage()));
        return all;
    }

    @Test
    void saysSparinglyHowTheDeviceFares() {
        now = health(0);
        steps(0, 3000);
        assertThat(looks).isEqualTo(150);
        assertThat(messages(Level.INFO)).containsExactly("cuda:0 (H200): 650 of 700 W, 64 °C", "cuda:0 (H200): 650 of 700 W, 64 °C",
                "cuda:0 (H200): 650 of 700 W, 64 °C", "cuda:0 (H200): 650 of 700 W, 64 °C");
        assertThat(messages(Level.WARN)).isEmpty();
    }

    @Test
    void readingsAreWrittenDown() {
        now = health(0);
        steps(0, 40);
        assertThat(rows).containsExactly("19 {gpu/power_watts=650.0, gpu/clock_mhz=1755.0, gpu/celsius=64.0}",
                "39 {gpu/power_watts=650.0, gpu/clock_mhz=1755.0, gpu/celsius=64.0}");
    }

    @Test
    void warnsOnceOfEachReason() {
        now = health(0, Slowed.POWER_SUPPLY);
        steps(0, 100);
        now = health(0);
        steps(100, 200);
        now = health(0, Slowed.POWER_SUPPLY, Slowed.HEAT);
        steps(200, 300);
        assertThat(messages(Level.WARN)).hasSize(2);
        assertThat(messages(Level.WARN).getFirst()).contains("gets less power than it asks for").contains("Check cables and power supply")
                .endsWith("(650 of 700 W, 64 °C)");
        assertThat(messages(Level.WARN).getLast()).contains("is too hot").contains("cooling");
    }

    @Test
    void warnsWheneverMemoryErrorsAreAdded() {
        now = health(2);
        steps(0, 100);
        now = health(3);
        steps(100, 200);
        assertThat(messages(Level.WARN)).hasSize(2).allMatch(m -> m.contains("could not be corrected: results may be wrong"));
    }

    @Test
    void aDeviceWithoutSensorsIsLeftInPeace() {
        steps(0, 100);
        assertThat(logged.list).isEmpty();
    }

    @Test
    void aDeviceThatHasGoneEndsTheRun() {
        DeviceWatch gone = new DeviceWatch(() -> {
            throw new BadInput("The GPU has gone");
        }, true, (row, iteration) -> rows.add(iteration + " " + row));
        assertThatThrownBy(() -> gone.afterStep(
                new Progress(19, 100, new StepResult(Map.of(), 0, 0, true), 0, 0, 0, 0, 1, 0, new DataLoader.Queue(0, 0, 0), 0)))
                .isInstanceOf(BadInput.class).hasMessage("The GPU has gone");
    }
}
