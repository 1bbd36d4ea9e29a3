package org.sparsercnn.app;

import java.util.List;
import org.sparsercnn.data.Sample;
import org.sparsercnn.model.Detections;

/** Finds objects in prepared images. */
public interface Detector extends AutoCloseable {
    /**
     * @param forwardSeconds from pixels on the host to the network's outputs there, over all passes; of the whole batch
     * @param postSeconds choosing, scaling and merging boxes
     */
    record Result(Detections detections, double forwardSeconds, double postSeconds) {}

    /**
     * Detections of each sample in pixels of its original image, best first.
     *
     * @param samples at least one; where one pass takes them all, they are padded to the size of the largest
     */
    List<Result> detect(List<Sample> samples);

    default Result detect(Sample sample) {
        return detect(List.of(sample)).getFirst();
    }

    @Override
    void close();
}
