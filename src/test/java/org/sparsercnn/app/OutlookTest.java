package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.Test;
import org.sparsercnn.config.Config;
import org.sparsercnn.train.SchedulePlan;

class OutlookTest {
    private static Outlook of(int replicas, long start, String... overrides) {
        Config given = Config.load(Path.of("configs/sparsercnn.res50.100pro.3x.yaml"), List.of(overrides));
        Config config = given.scaledTo(replicas).withScaledLr();
        return new Outlook(given, config, replicas, new SchedulePlan(config.solver()).length(), 117266,
                config.datasets().test(), start);
    }

    private static AbstractStringAssert<?> assertThatText(Outlook outlook) {
        return assertThat(outlook.toString());
    }

    @Test
    void the_published_run() {
        assertThat(of(1, 0).toString().lines()).containsExactly(
                "  batch      16 images a step",
                "  lr         2.5e-05, ADAMW",
                "  schedule   warm-up of 1000 iterations from 2.5e-07, x 0.1 at 210000, 250000",
                "  length     270000 iterations = 36.8 epochs (117,266 images, an epoch is 7329.1 iterations)",
                "  saved      checkpoint every 5000 iterations (54 to come); evaluation on coco_2017_val every 7330 (37 to come), best by AP");
    }

    @Test
    void batch_and_learning_rate_say_how_they_came_about() {
        assertThatText(of(2, 500, "SOLVER.IMS_PER_BATCH", "8", "SOLVER.ACCUMULATION_STEPS", "2", "SOLVER.LR_SCALING", "linear", "SOLVER.KEEP_CHECKPOINTS", "3",
                "TEST.EARLY_STOP", "4", "SOLVER.BACKBONE_MULTIPLIER", "0.1", "SOLVER.WARMUP_ITERS", "0", "SOLVER.MAX_ITER", "2000"))
                .contains("batch      8 images a step = 2 replicas x 2 parts x 2 images",
                        "lr         1.25e-05 = SOLVER.BASE_LR 2.5e-05 x 8/16 (SOLVER.LR_SCALING linear), backbone 1.25e-06, ADAMW",
                        "schedule   then constant", "every 5000 iterations (1 to come), the newest 3 kept", "2000 iterations from 500 = 0.1 epochs", "stop after 4 without a better one");
        assertThatText(of(1, 0, "SOLVER.IMS_PER_BATCH", "4", "SOLVER.LR_SCALING", "sqrt", "SOLVER.LR_SCHEDULER_NAME", "WarmupCosineLR", "TEST.EVAL_PERIOD", "0"))
                .contains("lr         1.25e-05 = SOLVER.BASE_LR 2.5e-05 x sqrt(4/16) (SOLVER.LR_SCALING sqrt)", "from 1.25e-07, then a cosine to 0",
                        "evaluation on coco_2017_val at the end");
        assertThatText(of(2, 0, "SOLVER.REFERENCE_WORLD_SIZE", "8"))
                .contains("batch      4 images a step = 2 replicas x 2 images",
                        "lr         6.25e-06 = SOLVER.BASE_LR 2.5e-05 x 2/8 (SOLVER.REFERENCE_WORLD_SIZE, with batch and steps)", "1080000 iterations");
        assertThatText(of(1, 30, "SOLVER.CHECKPOINT_PERIOD", "10", "SOLVER.MAX_ITER", "50")).as("39 and the end").contains("every 10 iterations (2 to come)")
                .contains("warm-up of 1000 iterations from 2.5e-07, which the run does not reach the end of");
        assertThatText(of(1, 0, "SOLVER.IMS_PER_BATCH", "5", "SOLVER.ACCUMULATION_STEPS", "2", "DATASETS.TEST", "()"))
                .contains("5 images a step = 2 parts x up to 3 images", "no evaluation: DATASETS.TEST is empty");
    }

    /** Both ways of scaling ask for the same here, so the second must find nothing left to do. */
    @Test
    void a_learning_rate_is_scaled_once() {
        assertThatText(of(2, 0, "SOLVER.REFERENCE_WORLD_SIZE", "8", "SOLVER.LR_SCALING", "linear"))
                .contains("lr         6.25e-06 = SOLVER.BASE_LR 2.5e-05 x 2/8 (SOLVER.REFERENCE_WORLD_SIZE, with batch and steps), ADAMW");
    }

    @Test
    void the_published_learning_rate_with_another_batch_is_noticed() {
        assertThat(of(1, 0).hint()).isEmpty();
        assertThat(of(1, 0, "SOLVER.IMS_PER_BATCH", "2").hint()).hasValue("SOLVER.BASE_LR 2.5e-05 is the published one, for 16 images a step; this run has 2."
                + " SOLVER.LR_SCALING linear would make it 3.125e-06, sqrt 8.8388e-06. Or keep the batch: SOLVER.IMS_PER_BATCH 16 with"
                + " SOLVER.ACCUMULATION_STEPS 8 needs no more memory.");
        assertThat(of(1, 0, "SOLVER.IMS_PER_BATCH", "32").hint()).hasValueSatisfying(hint -> assertThat(hint).contains("linear would make it 5e-05").doesNotContain("keep"));
        assertThat(of(1, 0, "SOLVER.IMS_PER_BATCH", "2", "SOLVER.LR_SCALING", "linear").hint()).isEmpty();
        assertThat(of(1, 0, "SOLVER.IMS_PER_BATCH", "2", "SOLVER.BASE_LR", "1e-5").hint()).isEmpty();
    }
}
