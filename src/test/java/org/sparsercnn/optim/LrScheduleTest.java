package org.sparsercnn.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.sparsercnn.testing.Golden;
import org.sparsercnn.util.BadInput;

class LrScheduleTest {
    @Test
    void learningRatesOfThePublishedConfigsBitForBit() {
        int compared = 0;
        for (Map.Entry<String, JsonNode> e : Golden.json("ops").get("lr_schedule").properties()) {
            JsonNode s = e.getValue();
            List<Integer> steps = new ArrayList<>();
            s.get("steps").forEach(v -> steps.add(v.asInt()));
            LrSchedule schedule = LrSchedule.multiStep(s.get("base_lr").asDouble(), steps, s.get("gamma").asDouble(),
                    new LrSchedule.Warmup(s.get("warmup_method").asText(), s.get("warmup_iters").asLong(), s.get("warmup_factor").asDouble()));
            for (int i = 0; i < s.get("iterations").size(); i++) {
                assertThat(schedule.lr(s.get("iterations").get(i).asLong())).as(e.getKey() + " at " + s.get("iterations").get(i))
                        .isEqualTo(s.get("lr").get(i).asDouble());
                compared++;
            }
        }
        assertThat(compared).isGreaterThan(30);
    }

    @Test
    void cosineFallsFromTheBaseRateToZero() {
        LrSchedule schedule = LrSchedule.cosine(0.4, 1000, LrSchedule.Warmup.NONE);
        assertThat(schedule.lr(0)).isEqualTo(0.4);
        assertThat(schedule.lr(250)).isEqualTo(0.4 * 0.5 * (1 + Math.cos(Math.PI * 250 / 1000)));
        assertThat(schedule.lr(500)).isCloseTo(0.2, within(1e-15));
        assertThat(schedule.lr(1000)).isZero();
    }

    @Test
    void warmUpIsConstantOrLinear() {
        assertThat(LrSchedule.multiStep(1, List.of(), 0.1, new LrSchedule.Warmup("constant", 10, 0.1)).lr(9)).isEqualTo(0.1);
        LrSchedule linear = LrSchedule.multiStep(1, List.of(), 0.1, new LrSchedule.Warmup("linear", 10, 0.2));
        assertThat(linear.lr(0)).isEqualTo(0.2);
        assertThat(linear.lr(5)).isEqualTo(0.2 * 0.5 + 0.5);
        assertThat(linear.lr(10)).isEqualTo(1);
    }

    @Test
    void nonsenseIsTheUsersError() {
        assertThatThrownBy(() -> new LrSchedule.Warmup("quadratic", 10, 0.1)).isInstanceOf(BadInput.class).hasMessageContaining("WARMUP_METHOD");
        assertThatThrownBy(() -> LrSchedule.multiStep(1, List.of(5, 3), 0.1, LrSchedule.Warmup.NONE)).isInstanceOf(BadInput.class)
                .hasMessageContaining("STEPS");
    }
}
