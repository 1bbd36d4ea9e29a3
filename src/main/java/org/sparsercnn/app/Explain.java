package org.sparsercnn.app;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.data.DatasetMapper;
import org.sparsercnn.data.Image;
import org.sparsercnn.data.ImageDecoder;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Device;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.model.StageTrace;
import org.sparsercnn.train.Samples;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;
import org.sparsercnn.viz.AnimatedGif;
import org.sparsercnn.viz.Pictures;
import org.sparsercnn.viz.ProposalPlots;
import org.sparsercnn.viz.StagePictures;

/** {@code explain}: what the stages did with each proposal, as pictures and numbers. */
public final class Explain {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.explain");
    /** Squares in the picture of where proposals end. */
    private static final int SHOWN_PROPOSALS = 12;

    /**
     * @param input pictures, folders, globs
     * @param output folder, made if it is missing
     * @param top most proposals followed in a picture
     * @param threshold score from which on one is followed; the best one always is
     */
    public record Options(DeviceChoice device, List<String> input, Path output, int top, double threshold) {}

    private final Options options;
    private final SparseRcnn model;
    private final DatasetMapper mapper;
    private final CategoryMap categories;
    private final Set<String> taken = new HashSet<>();
    /** Of each picture that was read, in units of it. */
    private final List<StageTrace> unitTraces = new ArrayList<>();

    private Explain(Environment environment, Config config, Options options, SparseRcnn model) {
        this.options = options;
        this.model = model;
        this.mapper = DatasetMapper.forInference(config.input());
        this.categories = Categories.of(environment, config, new Weights(environment).complete(model, config.model().weights()));
    }

    /** @throws BadInput also if some of the pictures cannot be read; the others are done then */
    public static void run(Environment environment, Config config, Options options) {
        options.device.check(config, 1);
        if (options.top < 1 || options.top > 24) {
            throw BadInput.of("--top %d: 1 to 24, the number of colours", options.top);
        }
        if (!(options.threshold >= 0 && options.threshold <= 1)) {
            throw BadInput.of("--confidence-threshold %s: a number from 0 to 1", options.threshold);
        }
        List<Path> files = DemoInputs.files(options.input);
        DemoOutputs.makeFolder(options.output, "--output");
        int failures = 0;
        try (Device device = options.device.open(config, 0, 1); SparseRcnn model = new SparseRcnn(device, config.model())) {
            Explain explain = new Explain(environment, config, options, model);
            for (Path file : files) {
                try {
                    explain.picture(file);
                } catch (BadInput e) { // the other pictures are still wanted
                    LOG.error(e.getMessage());
                    failures++;
                }
            }
            if (!explain.unitTraces.isEmpty()) {
                explain.proposals();
            }
        }
        if (failures > 0) {
            throw BadInput.of("%d of %d pictures failed, see above; the others are done", failures, files.size());
        }
    }

    private void picture(Path file) {
        Image image = ImageDecoder.read(file);
        Sample sample = mapper.map(image, 0, file);
        int fromWidth = sample.image().width();
        int fromHeight = sample.image().height();
        StageTrace network = StageTrace.of(model, Samples.pictures(List.of(sample)).getFirst());
        StageTrace trace = network.scaled(fromWidth, fromHeight, image.width(), image.height());
        unitTraces.add(network.scaled(fromWidth, fromHeight, 1, 1));
        int[] best = trace.best(options.top, options.threshold);
        String[] names = IntStream.of(best).mapToObj(p -> "#" + p + " " + categories.name(trace.bestClass(p))).toArray(String[]::new);
        List<float[]> boxes = trace.boxesXyxyPx().stream().map(all -> rows(all, best)).toList();
        List<float[]> scores = IntStream.range(0, trace.stages()).mapToObj(s -> scores(trace, s, best)).toList();
        float[][] attention = new float[best.length][];
        for (int i = 0; i < best.length; i++) {
            attention[i] = new float[best.length];
            for (int j = 0; j < best.length; j++) {
                attention[i][j] = trace.attention()[best[i] * trace.proposals() + best[j]];
            }
        }
        var pictures = new StagePictures(Pictures.fromRgb(image.pixels(), image.width(), image.height()), names, boxes, scores, attention);
        String name = free(file);
        Pictures.write(pictures.filmstrip(), place(name, "stages.png"));
        AnimatedGif.write(pictures.animation(), place(name, "stages.gif"));
        Pictures.write(pictures.scoresByStage(), place(name, "scores.png"));
        Pictures.write(pictures.attentionMatrix(), place(name, "attention.png"));
        Pictures.write(pictures.attentionArrows(), place(name, "arrows.png"));
        Json.write(place(name, "json"), numbers(file, image, trace, best));
        LOG.info("{}: {} of {} proposals followed through {} stages -> {}", file, best.length, trace.proposals(), trace.stages(), place(name, "*"));
    }

    private Path place(String name, String ending) {
        return options.output.resolve(name + "." + ending);
    }

    /** The file's name without its ending, numbered where another folder's file took it. */
    private String free(Path file) {
        String name = file.getFileName().toString().replaceFirst("(?<=.)\\.[^.]*$", "");
        String candidate = name;
        for (int n = 2; !taken.add(candidate.toLowerCase(Locale.ROOT)); n++) {
            candidate = name + "-" + n;
        }
        return candidate;
    }

    private static float[] rows(float[] boxes, int[] proposals) {
        float[] chosen = new float[4 * proposals.length];
        for (int i = 0; i < proposals.length; i++) {
            System.arraycopy(boxes, 4 * proposals[i], chosen, 4 * i, 4);
        }
        return chosen;
    }

    private static float[] scores(StageTrace trace, int stage, int[] proposals) {
        float[] scores = new float[proposals.length];
        for (int i = 0; i < proposals.length; i++) {
            scores[i] = trace.score(stage, proposals[i], trace.bestClass(proposals[i]));
        }
        return scores;
    }

    private Map<String, Object> numbers(Path file, Image image, StageTrace trace, int[] best) {
        List<Map<String, Object>> proposals = new ArrayList<>();
        int n = trace.proposals();
        for (int p = 0; p < n; p++) {
            int[] one = {p};
            int label = trace.bestClass(p);
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("proposal", p);
            row.put("category_id", categories.originalId(label));
            row.put("category_name", categories.name(label));
            row.put("scores", IntStream.range(0, trace.stages()).mapToObj(s -> scores(trace, s, one)[0]).toList());
            row.put("boxes_xyxy", trace.boxesXyxyPx().stream().map(b -> rows(b, one)).toList());
            row.put("attention", Arrays.copyOfRange(trace.attention(), p * n, (p + 1) * n));
            proposals.add(row);
        }
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("file_name", file.toString());
        all.put("width", image.width());
        all.put("height", image.height());
        all.put("stages", trace.stages());
        all.put("followed", best);
        all.put("proposals", proposals);
        return all;
    }

    /** Where the learned boxes lie, and where those proposals end that scored most over all pictures. */
    private void proposals() {
        StageTrace first = unitTraces.getFirst();
        float[] starts = first.boxesXyxyPx().getFirst();
        int[] busiest = IntStream.range(0, first.proposals()).boxed()
                .sorted(Comparator.comparingDouble(p -> -unitTraces.stream().mapToDouble(t -> t.finalScore(p)).sum()))
                .mapToInt(Integer::intValue).limit(SHOWN_PROPOSALS).toArray();
        List<ProposalPlots.Proposal> shown = IntStream.of(busiest).mapToObj(p -> new ProposalPlots.Proposal("#" + p, rows(starts, new int[] {p}),
                unitTraces.stream().map(t -> rows(t.boxesXyxyPx().getLast(), new int[] {p})).toList(),
                unitTraces.stream().map(t -> t.finalScore(p)).toList())).toList();
        Pictures.write(ProposalPlots.starts(starts), options.output.resolve("proposal-starts.png"));
        Pictures.write(ProposalPlots.ends(shown), options.output.resolve("proposal-ends.png"));
        Json.write(options.output.resolve("proposals.json"), Map.of("images", unitTraces.size(), "starts_xyxy", starts,
                "ends", shown.stream().map(p -> Map.of("proposal", p.name(), "boxes_xyxy", p.ends(), "scores", p.scores())).toList()));
        LOG.info("{} pictures: where proposals start and end -> {}", unitTraces.size(), options.output.resolve("proposal-*.png"));
    }
}
