package org.sparsercnn.optim;

import java.util.List;
import org.sparsercnn.util.BadInput;

/** The learning rate of each training step, digit for digit as detectron2 computes it in float64. */
@FunctionalInterface
public interface LrSchedule {
    /** @param iteration counted from 0 */
    double lr(long iteration);

    /**
     * How the learning rate rises at the beginning.
     *
     * @param method {@code linear} from {@code factor} to 1, or {@code constant}
     * @param iterations how long; 0: not at all
     * @param factor on the learning rate at step 0
     */
    record Warmup(String method, long iterations, double factor) {
        public static final Warmup NONE = new Warmup("linear", 0, 1);

        public Warmup {
            if (!method.equals("linear") && !method.equals("constant")) {
                throw new BadInput("SOLVER.WARMUP_METHOD is '" + method + "'; it must be linear or constant");
            }
        }

        double at(long iteration) {
            if (iteration >= iterations) {
                return 1;
            }
            double alpha = (double) iteration / iterations;
            return method.equals("constant") ? factor : factor * (1 - alpha) + alpha;
        }
    }

    /** {@code WarmupMultiStepLR}: times {@code gamma} from each of {@code steps} on; these must rise. */
    static LrSchedule multiStep(double baseLr, List<Integer> steps, double gamma, Warmup warmup) {
        List<Integer> milestones = List.copyOf(steps);
        if (!milestones.equals(milestones.stream().sorted().toList())) {
            throw new BadInput("SOLVER.STEPS is " + milestones + "; the steps must rise");
        }
        return iteration -> {
            long passed = milestones.stream().filter(m -> m <= iteration).count();
            return baseLr * warmup.at(iteration) * Math.pow(gamma, passed);
        };
    }

    /** {@code WarmupCosineLR}: half a cosine down to 0 at {@code iterations}. */
    static LrSchedule cosine(double baseLr, long iterations, Warmup warmup) {
        return iteration -> baseLr * warmup.at(iteration) * 0.5 * (1.0 + Math.cos(Math.PI * iteration / iterations));
    }
}
