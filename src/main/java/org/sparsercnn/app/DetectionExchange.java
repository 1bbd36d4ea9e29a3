package org.sparsercnn.app;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Device;
import org.sparsercnn.dist.HostData;
import org.sparsercnn.model.Detections;

/** Brings together what ranks found on their shares of a data set, bit for bit. */
final class DetectionExchange {
    private static final int BYTES_EACH = 6 * 4;

    private final HostData words;

    DetectionExchange(Device device, Collective group) {
        this.words = new HostData(device, group);
    }

    /**
     * Every rank calls it.
     *
     * @param share for each image of this rank's, in their order
     * @return for all images, share after share
     */
    List<Detections> gather(List<Detections> share) {
        List<Detections> all = new ArrayList<>();
        words.gather(packed(share)).forEach(bytes -> unpack(ByteBuffer.wrap(bytes), all));
        return all;
    }

    /** Per image: the count, then boxes, scores and classes. */
    private static byte[] packed(List<Detections> share) {
        ByteBuffer buffer = ByteBuffer.allocate(share.stream().mapToInt(d -> 4 + BYTES_EACH * d.count()).sum());
        for (Detections d : share) {
            buffer.putInt(d.count());
            for (float v : d.boxesXyxyPx()) {
                buffer.putFloat(v);
            }
            for (float v : d.scores()) {
                buffer.putFloat(v);
            }
            for (int v : d.classes()) {
                buffer.putInt(v);
            }
        }
        return buffer.array();
    }

    private static void unpack(ByteBuffer buffer, List<Detections> target) {
        while (buffer.hasRemaining()) {
            int count = buffer.getInt();
            Detections d = new Detections(new float[4 * count], new float[count], new int[count]);
            for (int i = 0; i < 4 * count; i++) {
                d.boxesXyxyPx()[i] = buffer.getFloat();
            }
            for (int i = 0; i < count; i++) {
                d.scores()[i] = buffer.getFloat();
            }
            for (int i = 0; i < count; i++) {
                d.classes()[i] = buffer.getInt();
            }
            target.add(d);
        }
    }
}
