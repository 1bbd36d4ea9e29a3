package org.sparsercnn.train;

import java.util.Map;

/**
 * One training step.
 *
 * @param losses weighted terms under their published names
 * @param total their sum
 * @param gradientNorm over all parameters, before clipping
 * @param finite false when a loss or gradient was not finite: then nothing was updated
 */
public record StepResult(Map<String, Float> losses, double total, double gradientNorm, boolean finite) {}
