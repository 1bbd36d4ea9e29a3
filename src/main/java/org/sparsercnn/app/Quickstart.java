package org.sparsercnn.app;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.Dataset;
import org.sparsercnn.data.DatasetMapper;
import org.sparsercnn.data.ImageDecoder;
import org.sparsercnn.data.ImageRecord;
import org.sparsercnn.data.sampleset.SampleSet;
import org.sparsercnn.dist.World;
import org.sparsercnn.eval.CocoOptions.AreaRange;
import org.sparsercnn.eval.CocoResult;
import org.sparsercnn.model.Detections;
import org.sparsercnn.train.ClockPlan;
import org.sparsercnn.train.Hook;
import org.sparsercnn.train.Progress;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;
import org.sparsercnn.viz.Montage;
import org.sparsercnn.viz.Pictures;
import org.sparsercnn.viz.Plots;

/** {@code quickstart}: makes pictures, trains on them, evaluates, draws, and says where everything is. */
public final class Quickstart {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.quickstart");
    private static final String CONFIG = "quickstart.yaml";
    private static final Sample SAMPLE = new Sample(2000, 200, 128);
    private static final int WARMUP_STEPS = 100;
    private static final int SHOWN = 12;
    private static final double SHOWN_SCORE = 0.3;

    /** How many pictures are made, and their side in pixels. */
    record Sample(int train, int val, int sidePx) {}

    private Quickstart() {}

    /** @return the exit code */
    public static int run(Environment environment, Path output, double minutes, DeviceChoice device) {
        return run(environment, output, minutes, device, SAMPLE);
    }

    static int run(Environment environment, Path output, double minutes, DeviceChoice device, Sample sample) {
        if (!(minutes > 0) || Double.isInfinite(minutes)) {
            throw BadInput.of("--minutes %s: must be more than 0", minutes);
        }
        Config config = Config.load(unpackConfig(output), List.of("OUTPUT_DIR", output.toString(), "TEST.EVAL_PERIOD", "0"));
        device.check(config, 1);
        SampleSet set = SampleSet.write(environment.datasetRoot().resolve("quickstart"), sample.train, sample.val, sample.sidePx, 1);
        LOG.info("Sample set: {} training and {} validation pictures in {}", sample.train, sample.val, set.folder());

        History history = new History();
        var plan = new ClockPlan(config.solver().baseLr(), WARMUP_STEPS, 60 * minutes, System::nanoTime);
        Outcome outcome = new Outcome();
        var course = new Training.Course(plan, List.of(history), (model, dataset, score) -> {
            outcome.result = (CocoResult) score; // the metric of quickstart_val
            try (Detector detector = device.detector(config, model, false)) {
                draw(detector, dataset, config, output);
            }
        });
        try (Interrupts interrupts = Interrupts.ofTraining(false)) {
            int code = Training.run(environment, config, new Training.Options(device, World.alone(), new Start.Configured(), false), course, interrupts);
            if (code != 0) {
                LOG.warn("Continue it with: train --config-file {} --resume", output.resolve("config.yaml"));
                return code;
            }
        }
        history.plot(output.resolve("loss.png"));
        plotPrecision(outcome.result, output.resolve("precision_recall.png"));
        report(outcome.result, history.iterations.size(), output, set.valImages());
        return 0;
    }

    private static final class Outcome {
        private CocoResult result;
    }

    /** Copies the config and its base out of the program, so that the run can be repeated with {@code train}. */
    private static Path unpackConfig(Path output) {
        Path folder = output.resolve("configs");
        for (String name : List.of("Base-SparseRCNN.yaml", CONFIG)) {
            try (InputStream in = Quickstart.class.getResourceAsStream("/configs/" + name)) {
                Files.createDirectories(folder);
                Files.write(folder.resolve(name), in.readAllBytes());
            } catch (IOException e) {
                throw new BadInput(folder + ": cannot be written: " + AtomicFiles.reason(e) + "; choose another --output", e);
            }
        }
        return folder.resolve(CONFIG);
    }

    /** The course of the run, for the plot. */
    private static final class History implements Hook {
        private final List<Integer> iterations = new ArrayList<>();
        private final List<Double> rates = new ArrayList<>();
        private final Map<String, List<Double>> losses = new LinkedHashMap<>();

        @Override
        public void afterStep(Progress p) {
            iterations.add((int) p.iteration());
            rates.add(p.lr());
            losses.computeIfAbsent("total_loss", _ -> new ArrayList<>()).add(p.step().total());
            for (String name : List.of("loss_ce", "loss_bbox", "loss_giou")) {
                losses.computeIfAbsent(name, _ -> new ArrayList<>()).add((double) p.step().losses().getOrDefault(name, Float.NaN));
            }
        }

        void plot(Path file) {
            Map<String, double[]> lines = new LinkedHashMap<>();
            losses.forEach((name, values) -> lines.put(name, values.stream().mapToDouble(Double::doubleValue).toArray()));
            Pictures.write(Plots.training(iterations.stream().mapToInt(Integer::intValue).toArray(), lines,
                    rates.stream().mapToDouble(Double::doubleValue).toArray()), file);
        }
    }

    private static void plotPrecision(CocoResult result, Path file) {
        List<Plots.PrecisionCurve> curves = new ArrayList<>();
        int last = result.curves().options().maxDetections().length - 1;
        for (int k = 0; k < result.categories().size(); k++) {
            curves.add(new Plots.PrecisionCurve(result.categories().name(k), result.perCategory().get(k).get("AP50"),
                    result.curves().curve(0, k, AreaRange.ALL, last)));
        }
        Pictures.write(Plots.precisionRecall("Precision over recall at IoU 0.50", curves), file);
    }

    /** Validation pictures with what was found in them. */
    private static void draw(Detector detector, Dataset dataset, Config config, Path output) {
        DatasetMapper mapper = DatasetMapper.forInference(config.input());
        List<BufferedImage> pictures = new ArrayList<>();
        List<String> captions = new ArrayList<>();
        for (ImageRecord record : dataset.images().subList(0, Math.min(SHOWN, dataset.size()))) {
            Detections found = detector.detect(mapper.map(record, 0)).detections().above(SHOWN_SCORE);
            BufferedImage drawn = Drawing.of(ImageDecoder.read(record.file()), found, dataset.categories());
            String name = record.file().getFileName().toString();
            Pictures.write(drawn, output.resolve("predictions").resolve(name));
            pictures.add(drawn);
            captions.add(record.instances() + " there, " + found.count() + " found");
        }
        Pictures.write(Montage.of(pictures, captions, 4, 420), output.resolve("predictions.png"));
    }

    private static void report(CocoResult result, int iterations, Path output, Path pictures) {
        double ap = result.summary().get("AP");
        double ap50 = result.summary().get("AP50");
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("AP", ap);
        json.put("AP50", ap50);
        json.put("iterations", iterations);
        json.put("dir", output.toString());
        Json.write(output.resolve("result.json"), json);
        System.out.printf(Locale.ROOT, """

                Trained %d steps. What there is to see in %s:
                  report/index.html               all about the run on one page, for a browser
                  predictions.png, predictions/   objects found in validation pictures
                  loss.png                        the training's course
                  precision_recall.png            precision over recall of each class
                  metrics.json, config.yaml       numbers and settings of the run
                  model_final.safetensors         the weights

                Try next:
                  java -jar sparse-rcnn.jar demo --config-file %s/config.yaml --input %s --output %s/demo --opts MODEL.WEIGHTS %s/model_final.safetensors
                  java -jar sparse-rcnn.jar eval --config-file %s/config.yaml MODEL.WEIGHTS %s/model_final.safetensors
                  java -jar sparse-rcnn.jar quickstart --minutes 20
                """, iterations, output, output, pictures, output, output, output, output);
        System.out.printf(Locale.ROOT, "RESULT AP=%.3f AP50=%.3f dir=%s%n", ap, ap50, output);
    }
}
