package org.sparsercnn.app;

import java.util.function.BooleanSupplier;
import org.sparsercnn.train.Plan;

/** A plan that may be done sooner. */
record StoppablePlan(Plan plan, BooleanSupplier stop) implements Plan {
    @Override
    public double lr(long iteration) {
        return plan.lr(iteration);
    }

    @Override
    public boolean done(long iteration) {
        return stop.getAsBoolean() || plan.done(iteration);
    }

    @Override
    public String length() {
        return plan.length();
    }

    @Override
    public long steps(long iteration) {
        return plan.steps(iteration);
    }
}
