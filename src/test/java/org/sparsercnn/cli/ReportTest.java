package org.sparsercnn.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.data.sampleset.SampleSet;
import org.sparsercnn.util.Json;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** {@code report} and {@code compare}, and the page that {@code train} and {@code eval} end with. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ReportTest {
    private static final List<String> PARTS = List.of("summary", "config", "environment", "losses", "ap-over-time", "pr-curves", "per-class", "confusion", "errors",
            "ap-by-size", "scores", "calibration", "time", "device", "gallery");

    @TempDir
    static Path shared;

    @TempDir
    Path folder;

    private Workplace place;
    private Path page;

    @BeforeAll
    void train() {
        place = Workplace.in(shared);
        assertThat(place.run("train", "TEST.EVAL_PERIOD", "1")).isEqualTo(new Workplace.Ended(0, ""));
        page = place.output().resolve("report/index.html");
    }

    /** The page, which is XML as well as HTML. */
    private static Document parsed(Path page) {
        try {
            String text = Workplace.read(page).replace("<!DOCTYPE html>", "");
            return DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder().parse(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
        } catch (Exception e) {
            throw new AssertionError(page + " is not well-formed", e);
        }
    }

    private static List<Element> elements(Document page, String tag) {
        NodeList list = page.getElementsByTagName(tag);
        return IntStream.range(0, list.getLength()).mapToObj(i -> (Element) list.item(i)).toList();
    }

    private static Element part(Document page, String id) {
        return elements(page, "section").stream().filter(e -> e.getAttribute("id").equals(id)).findFirst().orElseThrow(() -> new AssertionError("no part " + id));
    }

    private static List<String> row(Element part, String head) {
        NodeList rows = part.getElementsByTagName("tr");
        for (int i = 0; i < rows.getLength(); i++) {
            List<String> cells = new ArrayList<>();
            NodeList children = rows.item(i).getChildNodes();
            IntStream.range(0, children.getLength()).forEach(c -> cells.add(children.item(c).getTextContent()));
            if (cells.getFirst().equals(head)) {
                return cells;
            }
        }
        throw new AssertionError("no row " + head);
    }

    private static String percent(double fraction) {
        return fraction < 0 ? "n/a" : String.format(Locale.ROOT, "%.1f", 100 * fraction);
    }

    @Test
    void a_training_leaves_a_page_with_every_part() {
        Document report = parsed(page);
        assertThat(elements(report, "section").stream().map(e -> e.getAttribute("id"))).containsExactlyInAnyOrderElementsOf(PARTS);
        assertThat(part(report, "losses").getElementsByTagName("svg").getLength()).isPositive();
        assertThat(part(report, "ap-over-time").getElementsByTagName("svg").getLength()).as("two evaluations make a curve").isPositive();
        assertThat(part(report, "config").getTextContent()).contains("SOLVER.MAX_ITER").contains("OUTPUT_DIR: " + place.output());
        assertThat(part(report, "environment").getTextContent()).contains("java").contains("processor");
        assertThat(part(report, "time").getTextContent()).contains("network").contains("waiting for the image").contains("decoding and resizing");
        assertThat(part(report, "device").getTextContent()).as("there is no GPU").contains("No GPU's sensors stand in metrics.json");
        assertThat(place.log()).contains("Report written to");
    }

    @Test
    void its_numbers_are_those_of_the_evaluation() {
        JsonNode numbers = Json.read(place.output().resolve("inference/evaluation.json"), JsonNode.class);
        Document report = parsed(page);
        for (JsonNode one : numbers.get("per_category")) {
            assertThat(row(part(report, "per-class"), one.get("name").asText()).subList(2, 9)).containsExactlyElementsOf(List.of("AP", "AP50", "AP75", "APs", "APm",
                    "APl", "AR100").stream().map(name -> percent(one.get(name).asDouble())).toList());
        }
        NodeList tiles = part(report, "summary").getElementsByTagName("li");
        assertThat(IntStream.range(0, 3).mapToObj(i -> tiles.item(i).getTextContent())).containsExactly(percent(numbers.get("stats").get(0).asDouble()) + "AP",
                percent(numbers.get("stats").get(1).asDouble()) + "AP50", percent(numbers.get("stats").get(2).asDouble()) + "AP75");
    }

    @Test
    void nothing_is_loaded_and_links_lead_to_the_pictures() {
        String text = Workplace.read(page);
        assertThat(text).doesNotContain("http://").doesNotContain("https://").doesNotContain("url(").doesNotContain("@import");
        assertThat(text).contains("default-src 'none'".replace("'", "&#39;"));
        Document report = parsed(page);
        assertThat(elements(report, "link")).isEmpty();
        assertThat(elements(report, "script")).hasSize(1);
        assertThat(elements(report, "img")).isNotEmpty().allMatch(e -> e.getAttribute("src").startsWith("data:image/jpeg;base64,"));
        List<String> links = elements(report, "a").stream().map(e -> e.getAttribute("href")).filter(href -> !href.startsWith("#")).toList();
        assertThat(links).hasSizeGreaterThanOrEqualTo(Workplace.VAL_IMAGES);
        for (String link : links) {
            assertThat(Path.of(page.toUri().resolve(link))).exists();
        }
        assertThat(elements(report, "a").stream().map(e -> e.getAttribute("href")).filter(href -> href.startsWith("#")).map(href -> href.substring(1)))
                .containsExactlyInAnyOrderElementsOf(PARTS);
    }

    @Test
    void a_report_made_anew_is_the_same() throws IOException {
        byte[] before = Files.readAllBytes(page);
        assertThat(place.call("report", place.output().toString())).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(Files.readAllBytes(page)).isEqualTo(before);
        assertThat(place.call("report", place.output().toString(), "--output", folder.resolve("a b").toString())).isEqualTo(new Workplace.Ended(0, ""));
        Path elsewhere = folder.resolve("a b/index.html");
        for (Element a : elements(parsed(elsewhere), "a")) {
            if (!a.getAttribute("href").startsWith("#")) {
                assertThat(Path.of(elsewhere.toUri().resolve(URI.create(a.getAttribute("href"))))).exists();
            }
        }
    }

    @Test
    void an_evaluation_leaves_one_too_and_two_runs_are_compared() {
        Path evaluated = folder.resolve("evaluated");
        assertThat(place.run("eval", Workplace.into(evaluated, "MODEL.WEIGHTS", place.output().resolve("model_final.safetensors").toString(),
                "MODEL.SparseRCNN.PRIOR_PROB", "0.02"))).isEqualTo(new Workplace.Ended(0, ""));
        Document report = parsed(evaluated.resolve("report/index.html"));
        assertThat(part(report, "losses").getTextContent()).contains("train leaves one in OUTPUT_DIR");
        assertThat(part(report, "config").getTextContent()).contains("MODEL.SparseRCNN.PRIOR_PROB0.020.01");
        assertThat(part(report, "gallery").getElementsByTagName("img").getLength()).isPositive();

        Path second = folder.resolve("second");
        assertThat(place.run("train", Workplace.into(second, "SOLVER.BASE_LR", "0.0005"))).isEqualTo(new Workplace.Ended(0, ""));
        Path comparison = folder.resolve("comparison.html");
        assertThat(place.call("compare", place.output().toString(), second.toString(), "--output", comparison.toString())).isEqualTo(new Workplace.Ended(0, ""));
        Document compared = parsed(comparison);
        assertThat(row(part(compared, "config"), "SOLVER.BASE_LR")).containsExactly("SOLVER.BASE_LR", "0.001", "0.0005");
        assertThat(part(compared, "config").getTextContent()).as("what is equal is not shown").doesNotContain("SOLVER.IMS_PER_BATCH");
        JsonNode first = Json.read(place.output().resolve("inference/evaluation.json"), JsonNode.class);
        assertThat(row(part(compared, "summary"), "AP50").get(1)).isEqualTo(percent(first.get("stats").get(1).asDouble()));
        assertThat(part(compared, "losses").getElementsByTagName("figure").getLength()).isEqualTo(5);
        assertThat(place.call("report", evaluated.toString())).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(place.call("compare", place.output().toString(), evaluated.toString(), "--output", folder.resolve("b").toString()))
                .isEqualTo(new Workplace.Ended(0, ""));
        assertThat(folder.resolve("b/index.html")).exists();
    }

    @Test
    void several_sets_stand_one_below_the_other() {
        SampleSet set = new SampleSet(place.data());
        Path output = folder.resolve("several");
        assertThat(place.run("eval", Workplace.into(output, "--val-json", set.valJson().toString(), "--val-images", set.valImages().toString(), "--val-json",
                set.trainJson().toString(), "--val-images", set.trainImages().toString(), "MODEL.WEIGHTS", place.output().resolve("model_final.safetensors").toString())))
                .isEqualTo(new Workplace.Ended(0, ""));
        Path both = output.resolve("report/index.html");
        String text = Workplace.read(both);
        Document report = parsed(both);
        assertThat(part(report, "errors").getElementsByTagName("table").getLength()).isEqualTo(1);
        assertThat(part(report, "errors-2").getElementsByTagName("table").getLength()).isEqualTo(1);
        assertThat(elements(report, "h1").stream().map(Element::getTextContent)).containsExactly("Report of several", "val", "train");
        assertThat(place.call("report", output.toString())).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(Workplace.read(both)).isEqualTo(text);
    }

    @Test
    void persons_are_scored_by_crowdhumans_metric() {
        ObjectNode truth = (ObjectNode) Json.read(new SampleSet(place.data()).valJson(), JsonNode.class);
        truth.putArray("categories").addObject().put("id", 1).put("name", "person");
        ArrayNode results = Json.MAPPER.createArrayNode();
        truth.get("annotations").forEach(a -> {
            ((ObjectNode) a).put("category_id", 1);
            results.addObject().put("image_id", a.get("image_id").asInt()).put("category_id", 1).put("score", 0.5).set("bbox", a.get("bbox"));
        });
        ((ObjectNode) truth.get("annotations").get(0)).put("ignore", 1);
        Path gt = folder.resolve("gt.json");
        Path dt = folder.resolve("dt.json");
        Json.write(gt, truth);
        Json.write(dt, results);
        assertThat(place.call("report", "--gt", gt.toString(), "--dt", dt.toString(), "--metric", "crowdhuman", "--output", folder.toString()))
                .isEqualTo(new Workplace.Ended(0, ""));
        Document report = parsed(folder.resolve("index.html"));
        int persons = truth.get("annotations").size() - 1;
        assertThat(part(report, "summary").getTextContent()).contains("mMR").contains("metric CrowdHuman")
                .contains("it finds " + persons + " of " + persons + " objects and makes 0 mistakes");
        assertThat(part(report, "pr-curves").getTextContent()).contains("CrowdHuman: miss rate over false positives an image");
        assertThat(part(report, "gallery").getTextContent()).contains("report with --images FOLDER shows them");
    }

    @Test
    void a_report_that_cannot_be_written_costs_the_run_nothing() throws IOException {
        Path output = Files.createDirectories(folder.resolve("blocked"));
        Files.writeString(output.resolve("report"), "a file");
        assertThat(place.run("train", Workplace.into(output))).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(output.resolve("model_final.safetensors")).exists();
        assertThat(Workplace.read(output.resolve("log.txt"))).contains("The report could not be written: ", "is no folder");
    }

    /** Another program's results on a truth whose names would like to be more than names. */
    @Test
    void names_stay_names() {
        ObjectNode truth = (ObjectNode) Json.read(new SampleSet(place.data()).valJson(), JsonNode.class);
        String hostile = "<script>alert('x')</script>\" onload=\"alert(1)&amp;\u0001";
        ((ObjectNode) truth.get("categories").get(0)).put("name", hostile);
        ((ObjectNode) truth.get("images").get(0)).put("file_name", "<img src=x onerror=alert(2)>.png");
        Path gt = folder.resolve("<b>gt.json");
        Path dt = folder.resolve("<i>dt.json");
        Json.write(gt, truth);
        ArrayNode results = Json.MAPPER.createArrayNode();
        truth.get("annotations").forEach(a -> results.addObject().put("image_id", a.get("image_id").asInt()).put("category_id", a.get("category_id").asInt())
                .put("score", 0.9).set("bbox", a.get("bbox")));
        Json.write(dt, results);
        Path output = folder.resolve("report");
        assertThat(place.call("report", "--gt", gt.toString(), "--dt", dt.toString(), "--images", new SampleSet(place.data()).valImages().toString(), "--output",
                output.toString())).isEqualTo(new Workplace.Ended(0, ""));
        Document report = parsed(output.resolve("index.html"));
        assertThat(elements(report, "script")).hasSize(1);
        assertThat(elements(report, "img")).allMatch(e -> !e.hasAttribute("onerror")).hasSize(Workplace.VAL_IMAGES - 1);
        assertThat(part(report, "gallery").getTextContent()).as("a picture that is not there is named").contains("<img src=x onerror=alert(2)>.png: the image cannot be read: no such file");
        assertThat(row(part(report, "per-class"), hostile.replace('\u0001', '\uFFFD')).get(2)).as("a perfect detector").isEqualTo("100.0");
        assertThat(part(report, "summary").getTextContent()).contains("Next to nothing.");
        assertThat(part(report, "config").getTextContent()).contains("No config.yaml is here");
    }

    @Test
    void what_is_wrong_is_said() throws IOException {
        Path empty = Files.createDirectories(folder.resolve("empty"));
        String gt = new SampleSet(place.data()).valJson().toString();
        String train = new SampleSet(place.data()).trainJson().toString();
        String dt = place.output().resolve("inference/coco_instances_results.json").toString();
        refused("empty: no run is here", "report", empty.toString());
        refused("no such folder", "report", folder.resolve("none").toString());
        refused("a file; the OUTPUT_DIR of a run was expected", "report", gt);
        refused("name the OUTPUT_DIR of a run, or give --gt FILE --dt FILE", "report");
        refused("leave one of them out", "report", empty.toString(), "--dt", dt);
        refused("give --gt FILE once", "report", "--dt", dt, "--output", folder.toString());
        refused("--output is missing", "report", "--dt", dt, "--gt", gt);
        refused("--metrics goes with --dt", "report", place.output().toString(), "--metrics", dt);
        refused("--gt was given 2 times, but the run has 1 data sets", "report", place.output().toString(), "--gt", gt, "--gt", gt);
        refused("1 --gt and 2 --images", "report", place.output().toString(), "--gt", gt, "--images", "a", "--images", "b");
        refused("compare wants two runs", "compare", empty.toString(), "--output", folder.toString());
        refused("no run is here", "compare", place.output().toString(), empty.toString(), "--output", folder.toString());
        Path none = Files.writeString(folder.resolve("nothing.json"), "");
        refused("the file is empty", "report", "--dt", none.toString(), "--gt", gt, "--output", folder.toString());
        refused("no row of metrics is in it", "report", "--dt", dt, "--gt", gt, "--metrics", none.toString(), "--output", folder.toString());
        Path foreign = folder.resolve("foreign.json");
        Json.write(foreign, Json.MAPPER.createArrayNode().add(Json.MAPPER.readTree("{\"image_id\": 77, \"category_id\": 1, \"bbox\": [0, 0, 5, 5], \"score\": 1}")));
        refused("77", "report", "--dt", foreign.toString(), "--gt", train, "--output", folder.toString());
    }

    private void refused(String message, String... arguments) {
        Workplace.Ended ended = place.call(arguments);
        assertThat(ended.code()).as(ended.err()).isEqualTo(2);
        assertThat(ended.err()).contains(message);
    }

    /** A run that moved to a machine without its data tells what it can, and all of it when it is told where they are. */
    @Test
    void data_that_moved_are_named() throws IOException {
        Path run = Files.createDirectories(folder.resolve("moved"));
        Files.createDirectories(run.resolve("inference"));
        for (String file : List.of("config.yaml", "inference/coco_instances_results.json")) {
            Files.copy(place.output().resolve(file), run.resolve(file));
        }
        Files.writeString(run.resolve("metrics.json"), Workplace.read(place.output().resolve("metrics.json")) + "{\"iteration\": 9, \"tot");
        Workplace elsewhere = new Workplace(folder);
        assertThat(elsewhere.call("report", run.toString())).isEqualTo(new Workplace.Ended(0, ""));
        Document report = parsed(run.resolve("report/index.html"));
        assertThat(part(report, "summary").getTextContent()).contains("Results on quickstart_val are here, but not its annotations").contains("At the last evaluation AP was");
        assertThat(part(report, "losses").getElementsByTagName("svg").getLength()).isPositive();
        assertThat(part(report, "gallery").getTextContent()).contains("No results are here");
        SampleSet set = new SampleSet(place.data());
        assertThat(elsewhere.call("report", run.toString(), "--gt", set.valJson().toString(), "--images", set.valImages().toString()))
                .isEqualTo(new Workplace.Ended(0, ""));
        assertThat(part(parsed(run.resolve("report/index.html")), "gallery").getElementsByTagName("img").getLength()).isPositive();
        assertThat(part(parsed(run.resolve("report/index.html")), "time").getTextContent()).contains("no timing.json lies beside its results");
    }
}
