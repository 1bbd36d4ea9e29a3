package org.sparsercnn.viz.report;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What is known of a run; parts that it lacks are empty.
 *
 * @param name of its folder or file
 * @param config as YAML
 * @param changes keys that differ from their defaults
 * @param environment topic to text
 * @param curves every number of metrics.json over iterations, by name
 * @param steps what has been trained
 * @param sets what was measured, in order
 * @param notes what could not be read, for people
 */
public record RunData(String name, Optional<String> config, List<Setting> changes, Map<String, String> environment, Map<String, Curve> curves,
        Steps steps, List<SetData> sets, List<String> notes) {
    /** A config key that is not what it is in another config, or by default. */
    public record Setting(String key, String value, String usual) {}

    /**
     * How far the training came.
     *
     * @param done steps done; 0 where nothing was trained
     * @param planned SOLVER.MAX_ITER; 0 where it is not known
     * @param secondsLeft as the run reckoned last; NaN where it is not known
     */
    public record Steps(long done, long planned, double secondsLeft) {}

    /** The same under another name. */
    public RunData named(String other) {
        return new RunData(other, config, changes, environment, curves, steps, sets, notes);
    }

    Optional<Curve> curve(String metric) {
        return Optional.ofNullable(curves.get(metric)).filter(Curve::isDrawable);
    }
}
