package org.sparsercnn.app;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.data.DatasetMapper;
import org.sparsercnn.data.Image;
import org.sparsercnn.data.ImageDecoder;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.util.BadInput;

/**
 * A model with its weights on a device, ready for pictures that come one after the other. It is opened, asked and closed by one
 * thread; {@link #decode} and {@link #prepare} are for any.
 */
public final class LoadedModel implements AutoCloseable {
    /**
     * @param weights as MODEL.WEIGHTS names them
     * @param precision {@code fp32}, {@code bf16}
     * @param parameters how many numbers were learnt
     */
    public record Description(String weights, String device, String precision, List<Category> categories, int minSizeTest, int maxSizeTest, String format,
            long parameters) {}

    /** @param id the data set's own */
    public record Category(long id, String name) {}

    /** @param forwardSeconds of the whole batch, {@code postSeconds} of this picture */
    public record Answer(List<FoundObject> objects, double forwardSeconds, double postSeconds) {}

    private static final Path UPLOAD = Path.of("upload");

    private final Device device;
    private final SparseRcnn model;
    private final Detector detector;
    private final DatasetMapper mapper;
    private final CategoryMap categories;
    private final Description description;

    private LoadedModel(Device device, SparseRcnn model, Detector detector, DatasetMapper mapper, CategoryMap categories, Description description) {
        this.device = device;
        this.model = model;
        this.detector = detector;
        this.mapper = mapper;
        this.categories = categories;
        this.description = description;
    }

    /** @throws BadInput for a device that is not there, weights that are missing or incomplete */
    public static LoadedModel open(Environment environment, Config config, DeviceChoice choice) {
        choice.check(config, 1);
        return on(choice.open(config, 0, 1), environment, config, choice);
    }

    /** @param device closed with this, and where this cannot be made */
    static LoadedModel on(Device device, Environment environment, Config config, DeviceChoice choice) {
        SparseRcnn model = null;
        Detector detector = null;
        try {
            model = new SparseRcnn(device, config.model());
            Compute.announce(config, device);
            CategoryMap categories = Categories.of(environment, config, new Weights(environment).complete(model, config.model().weights()));
            detector = choice.detector(config, model, config.test().aug().enabled());
            Description description = new Description(config.model().weights(), device.name(), Compute.of(config, device) == DType.BF16 ? "bf16" : "fp32",
                    IntStream.range(0, categories.size()).mapToObj(i -> new Category(categories.originalId(i), categories.name(i))).toList(),
                    config.input().minSizeTest(), config.input().maxSizeTest(), config.input().format(), model.parameters().count());
            return new LoadedModel(device, model, detector, DatasetMapper.forInference(config.input()), categories, description);
        } catch (RuntimeException e) {
            close(detector, model, device);
            throw e;
        }
    }

    public Description description() {
        return description;
    }

    /** Whether launching work behind the caller gains from several pictures a pass: a GPU's does, a CPU's does not. */
    public boolean gainsFromBatches() {
        return device.runsBehind();
    }

    /** Bytes that tensors hold on the device now. */
    public long bytesInUse() {
        return device.memory().inUse();
    }

    /** @throws BadInput for what is no picture, damaged, or larger than {@code maxPixels}, which its header tells */
    public static Image decode(byte[] file, long maxPixels) {
        return ImageDecoder.decode(file, "image", maxPixels);
    }

    /** Scales to the network's input. */
    public Sample prepare(Image upright) {
        return mapper.map(upright, 0, UPLOAD);
    }

    /** @param samples at least one, best of equal padded size */
    public List<Answer> detect(List<Sample> samples) {
        List<Answer> answers = new ArrayList<>();
        for (Detector.Result result : detector.detect(samples)) {
            answers.add(new Answer(FoundObject.of(result.detections(), categories), result.forwardSeconds(), result.postSeconds()));
        }
        return answers;
    }

    /** Two passes over nothing: the first makes what is made once, the second what a repeated size needs. */
    public void warmUp() {
        int side = Math.max(32, Math.min(description.minSizeTest, description.maxSizeTest));
        Sample blank = prepare(new Image(side, side, new byte[3 * side * side]));
        detect(List.of(blank));
        detect(List.of(blank));
    }

    @Override
    public void close() {
        close(detector, model, device);
    }

    private static void close(Detector detector, SparseRcnn model, Device device) {
        try (device; model; detector) { // resources that are null are passed over
            return;
        }
    }
}
