package org.sparsercnn.train;

import java.util.Map;

/**
 * One training step.
 *
 * @param losses weighted terms under their published names
 * @param total their sum
 * @param finite false when a loss or gradient was not finite: then nothing was updated
 */
public record StepResult(Map<String, Float> losses, double total, boolean finite) {}
