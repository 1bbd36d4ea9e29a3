package org.sparsercnn.app;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.data.DatasetCatalog;
import org.sparsercnn.data.DatasetMapper;
import org.sparsercnn.data.Image;
import org.sparsercnn.data.ImageDecoder;
import org.sparsercnn.device.Device;
import org.sparsercnn.io.LoadedCheckpoint;
import org.sparsercnn.model.Detections;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;
import org.sparsercnn.viz.BoxLayer;
import org.sparsercnn.viz.DetectionPainter;
import org.sparsercnn.viz.Pictures;

/** {@code demo}: pictures in, pictures with boxes out. */
public final class Demo {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.demo");

    /**
     * @param input pictures, folders, globs
     * @param output folder for the drawn pictures, or a file where there is one input; null: draw nothing
     * @param json file for the detections; null: none
     */
    public record Options(List<String> input, Path output, double threshold, Path json) {}

    private Demo() {}

    public static void run(Config config, Devices.Choice devices, Options options) {
        if (options.output == null && options.json == null) {
            throw new BadInput("nothing to write: give --output FOLDER for pictures or --json FILE for numbers");
        }
        List<Path> files = expand(options.input);
        List<Map<String, Object>> rows = new ArrayList<>();
        List<String> failures = new ArrayList<>();
        try (Device device = Devices.open(devices, config, 0, 1); SparseRcnn model = new SparseRcnn(device, config.model())) {
            LOG.info("Device: {}", device.name());
            CategoryMap categories = categories(Weights.complete(model, config.model().weights()), config);
            DatasetMapper mapper = DatasetMapper.forInference(config.input());
            Detector detector = new Detector(model);
            for (Path file : files) {
                try {
                    one(file, target(options.output, file, files.size()), mapper, detector, categories, options.threshold, rows);
                } catch (BadInput e) { // the other pictures are still wanted
                    LOG.error(e.getMessage());
                    failures.add(e.getMessage());
                }
            }
        }
        if (options.json != null) {
            Json.write(options.json, rows);
        }
        if (!failures.isEmpty()) {
            throw BadInput.of("%d of %d pictures failed: %s", failures.size(), files.size(), failures.getFirst());
        }
    }

    private static void one(Path file, Path target, DatasetMapper mapper, Detector detector, CategoryMap categories, double threshold,
            List<Map<String, Object>> rows) {
        long begin = System.nanoTime();
        Image image = ImageDecoder.read(file);
        long decoded = System.nanoTime();
        var sample = mapper.map(image, 0, file);
        long prepared = System.nanoTime();
        Detector.Result result = detector.detect(sample);
        Detections found = result.detections().above(threshold);
        long detected = System.nanoTime();
        if (target != null) {
            BufferedImage picture = Pictures.fromRgb(image.pixels(), image.width(), image.height());
            String[] labels = new String[found.count()];
            for (int i = 0; i < labels.length; i++) {
                labels[i] = categories.name(found.classes()[i]);
            }
            Pictures.write(new DetectionPainter().paint(picture, BoxLayer.detections(found.boxesXyxyPx(), labels, found.scores(), found.classes())), target);
        }
        long drawn = System.nanoTime();
        for (int i = 0; i < found.count(); i++) {
            rows.add(row(file, found, i, categories));
        }
        LOG.info("{}", String.format(Locale.ROOT, "%s: %d objects in %.3f s (decode %.3f, pre %.3f, forward %.3f, post %.3f, draw %.3f)%s", file,
                found.count(), (drawn - begin) * 1e-9, (decoded - begin) * 1e-9, (prepared - decoded) * 1e-9 + result.preSeconds(),
                result.forwardSeconds(), (detected - prepared) * 1e-9 - result.preSeconds() - result.forwardSeconds(), (drawn - detected) * 1e-9,
                target == null ? "" : " -> " + target));
    }

    private static Map<String, Object> row(Path file, Detections d, int i, CategoryMap categories) {
        float[] b = d.boxesXyxyPx();
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("file_name", file.toString());
        row.put("category_id", categories.originalId(d.classes()[i]));
        row.put("category_name", categories.name(d.classes()[i]));
        row.put("bbox", new float[] {b[4 * i], b[4 * i + 1], b[4 * i + 2] - b[4 * i], b[4 * i + 3] - b[4 * i + 1]});
        row.put("score", d.scores()[i]);
        return row;
    }

    /** The checkpoint's own categories, else those of the config's data sets, else numbers from 1. */
    private static CategoryMap categories(LoadedCheckpoint checkpoint, Config config) {
        int classes = config.model().sparseRcnn().numClasses();
        return Categories.in(checkpoint)
                .or(() -> Stream.concat(config.datasets().test().stream(), config.datasets().train().stream())
                        .flatMap(name -> DatasetCatalog.builtInCategories(name).stream()).findFirst())
                .filter(map -> map.size() == classes)
                .orElseGet(() -> CategoryMap.ofCount(classes));
    }

    private static Path target(Path output, Path file, int files) {
        if (output == null) {
            return null;
        }
        String name = output.getFileName() == null ? "" : output.getFileName().toString().toLowerCase(Locale.ROOT);
        boolean single = files == 1 && !Files.isDirectory(output) && name.matches(".*\\.(jpe?g|png)");
        if (single) {
            return output;
        }
        String picture = file.getFileName().toString();
        return output.resolve(picture.toLowerCase(Locale.ROOT).matches(".*\\.(jpe?g|png)") ? picture : picture + ".png");
    }

    /** Files, the pictures of folders, and globs, in the order given; each folder's sorted by name. */
    static List<Path> expand(List<String> inputs) {
        List<Path> files = new ArrayList<>();
        for (String input : inputs) {
            Path path = Path.of(input);
            if (Files.isRegularFile(path)) {
                files.add(path);
            } else if (Files.isDirectory(path)) {
                files.addAll(list(path, "*.{jpg,jpeg,png,bmp,gif,JPG,JPEG,PNG,BMP,GIF}", input));
            } else if (input.matches(".*[*?\\[{].*")) {
                Path parent = path.getParent() == null ? Path.of("") : path.getParent();
                files.addAll(list(parent, path.getFileName().toString(), input));
            } else {
                throw new BadInput(input + ": no such file or folder");
            }
        }
        return files;
    }

    private static List<Path> list(Path folder, String glob, String input) {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder, glob)) {
            stream.forEach(found::add);
        } catch (IOException e) {
            throw new BadInput(folder + ": cannot be listed: " + AtomicFiles.reason(e), e);
        }
        found.removeIf(p -> !Files.isRegularFile(p));
        if (found.isEmpty()) {
            throw new BadInput(input + ": no pictures there");
        }
        found.sort(null);
        return found;
    }
}
