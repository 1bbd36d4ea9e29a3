package org.sparsercnn.app.serving;

import java.util.List;
import org.sparsercnn.app.FoundObject;

/**
 * What was found in a picture.
 *
 * @param width of the upright picture
 * @param objects best first
 * @param batch pictures of the pass it was in
 */
public record Answer(int width, int height, List<FoundObject> objects, int batch, Times times) {
    /**
     * Seconds.
     *
     * @param preprocess scaling to the network's input
     * @param queue waiting: for a thread that decodes, for the device, for a batch
     * @param forward of the whole batch
     */
    public record Times(double decode, double preprocess, double queue, double forward, double postprocess) {}
}
