package org.sparsercnn.app;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.data.DatasetMapper;
import org.sparsercnn.data.Image;
import org.sparsercnn.data.ImageDecoder;
import org.sparsercnn.device.Device;
import org.sparsercnn.model.Detections;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;
import org.sparsercnn.viz.Pictures;

/** {@code demo}: pictures in, pictures with boxes out. */
public final class Demo implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.demo");

    /**
     * @param input pictures, folders, globs
     * @param output folder for the drawn pictures, or a file where there is one input; null: draw nothing
     * @param threshold score from which on a detection counts
     * @param json file for the detections; null: none
     * @param truth annotation file whose boxes are drawn beside the detections; null: none
     * @param crops folder for a picture of each detection; null: none
     */
    public record Options(DeviceChoice device, List<String> input, Path output, double threshold, Path json, Path truth, Path crops) {
        public Options(DeviceChoice device, List<String> input, Path output, double threshold, Path json) {
            this(device, input, output, threshold, json, null, null);
        }
    }

    /** Of the file of detections. */
    private record Row(@JsonProperty("file_name") String fileName, @JsonUnwrapped FoundObject object) {}

    private final Options options;
    private final Detector detector;
    private final DatasetMapper mapper;
    private final CategoryMap categories;
    private final DemoTruth truth;
    private final Set<String> cropNames = new HashSet<>();
    private final List<Row> rows = new ArrayList<>();

    private Demo(Environment environment, Config config, Options options, SparseRcnn model) {
        this.options = options;
        this.detector = options.device.detector(config, model, config.test().aug().enabled());
        this.truth = options.truth == null ? null : new DemoTruth(options.truth);
        this.mapper = DatasetMapper.forInference(config.input());
        this.categories = Categories.of(environment, config, new Weights(environment).complete(model, config.model().weights()));
    }

    /** @throws BadInput also if some of the pictures cannot be read; the others are done then */
    public static void run(Environment environment, Config config, Options options) {
        options.device.check(config, 1);
        if (options.output == null && options.json == null && options.crops == null) {
            throw new BadInput("nothing to write: give --output FOLDER for pictures or --json FILE for numbers");
        }
        if (options.truth != null && options.output == null) {
            throw new BadInput("--side-by-side draws pictures: give --output FOLDER");
        }
        if (!(options.threshold >= 0 && options.threshold <= 1)) {
            throw BadInput.of("--confidence-threshold %s: a number from 0 to 1", options.threshold);
        }
        List<Path> files = DemoInputs.files(options.input);
        Map<Path, Path> places = options.output == null ? Map.of() : DemoOutputs.places(files, options.output);
        if (options.crops != null) {
            DemoOutputs.makeFolder(options.crops, "--crop");
        }
        int failures = 0;
        try (ProgressLine progress = environment.progressLine(); Device device = options.device.open(config, 0, 1); SparseRcnn model = new SparseRcnn(device, config.model());
                Demo demo = new Demo(environment, config, options, model); ProgressLine.Bar bar = progress.begin("demo", 0, files.size())) {
            Compute.announce(config, device);
            int done = 0;
            for (Path file : files) {
                try {
                    demo.detect(file, places.get(file));
                } catch (BadInput e) { // the other pictures are still wanted
                    LOG.error(e.getMessage());
                    failures++;
                }
                bar.at(++done, files.size(), "");
            }
            if (options.json != null) {
                Json.write(options.json, demo.rows);
            }
        }
        if (failures > 0) {
            throw BadInput.of("%d of %d pictures failed, see above; the others are done", failures, files.size());
        }
    }

    /** Gives back what detecting held. */
    @Override
    public void close() {
        detector.close();
    }

    /** @param place for the drawn picture, or null */
    private void detect(Path file, Path place) {
        long begin = System.nanoTime();
        Image image = ImageDecoder.read(file);
        long decoded = System.nanoTime();
        var sample = mapper.map(image, 0, file);
        double resized = (System.nanoTime() - decoded) * 1e-9;
        Detector.Result result = detector.detect(sample);
        Detections found = result.detections().above(options.threshold);
        FoundObject.of(found, categories).forEach(object -> rows.add(new Row(file.toString(), object)));
        long detected = System.nanoTime();
        if (place != null) {
            BufferedImage drawn = Drawing.of(image, found, categories);
            Pictures.write(truth == null ? drawn : truth.beside(drawn, image, file, categories), place);
        }
        if (options.crops != null) {
            crop(image, found, file);
        }
        long drawn = System.nanoTime();
        LOG.info("{}", String.format(Locale.ROOT, "%s: %d objects in %.3f s (decode %.3f, pre %.3f, forward %.3f, post %.3f, draw %.3f)%s", file,
                found.count(), (drawn - begin) * 1e-9, (decoded - begin) * 1e-9, resized, result.forwardSeconds(),
                result.postSeconds(), (drawn - detected) * 1e-9, place == null ? "" : " -> " + place));
    }

    /** Writes {@code photo-1.png}, the surest detection, {@code photo-2.png}, …: whole pixels that the box touches. */
    private void crop(Image image, Detections found, Path file) {
        String name = DemoOutputs.free(file.getFileName().toString().replaceFirst("(?<=.)\\.[^.]*$", "") + ".png", cropNames);
        float[] b = found.boxesXyxyPx();
        for (int i = 0; i < found.count(); i++) {
            int left = Math.clamp((int) Math.floor(b[4 * i]), 0, image.width() - 1);
            int top = Math.clamp((int) Math.floor(b[4 * i + 1]), 0, image.height() - 1);
            int right = Math.clamp((int) Math.ceil(b[4 * i + 2]), left + 1, image.width());
            int bottom = Math.clamp((int) Math.ceil(b[4 * i + 3]), top + 1, image.height());
            Image part = image.crop(left, top, right - left, bottom - top);
            Path place = options.crops.resolve(name.substring(0, name.length() - 4) + "-" + (i + 1) + ".png");
            Pictures.write(Pictures.fromRgb(part.pixels(), part.width(), part.height()), place);
        }
    }
}
