package org.sparsercnn.data;

/**
 * One turn of one image.
 *
 * @param epoch how often the sampler went through all images before
 * @param index place in {@link Dataset#images()}
 */
public record Draw(long epoch, int index) {}
