package org.sparsercnn.app;

import org.sparsercnn.data.Sample;
import org.sparsercnn.model.Detections;

/** Finds objects in one prepared image at a time. */
public interface Detector extends AutoCloseable {
    /**
     * @param forwardSeconds from pixels on the host to the network's outputs there, over all passes
     * @param postSeconds choosing, scaling and merging boxes
     */
    record Result(Detections detections, double forwardSeconds, double postSeconds) {}

    /** Detections in pixels of the sample's original image, best first. */
    Result detect(Sample sample);

    @Override
    void close();
}
