package org.sparsercnn.data.convert;

import java.nio.file.Path;
import java.util.List;

/** A data set in a format that is not COCO's. */
public sealed interface LabelSource permits VocSource, CrowdHumanSource, YoloSource {
    /** Names of the classes; their category ids are 1, 2, … in this order. */
    List<String> categories();

    /** The folder that file names are relative to. */
    Path imageFolder();

    /** Names that {@code --split} takes for this data set, as far as they can be seen. */
    List<String> splits();

    /** How often {@link Sink#step} will be called. */
    long steps();

    /** Hands over every image; what is wrong goes to {@code findings} and not to the sink. */
    void read(Findings findings, Sink sink);

    /** Takes what a source reads, in its order. */
    interface Sink {
        /** One more label file, line or image has been seen to. */
        void step();

        void image(LabelledImage image);
    }
}
