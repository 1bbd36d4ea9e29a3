package org.sparsercnn.browser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.sparsercnn.data.sampleset.SampleSet;
import org.sparsercnn.util.Json;

/** The page of {@code serve}, used in a browser as a person uses it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ServerPageIT {
    @TempDir
    static Path folder;

    private Browser browser;
    private Process server;
    private String address;
    private Path photo;

    @BeforeAll
    void serve() throws IOException, InterruptedException {
        browser = Browser.open(folder);
        JarRun jar = JarRun.in(folder);
        jar.run("train", "--config-file", "tiny.yaml", "--device", "cpu", "TEST.EVAL_PERIOD", "0");
        server = jar.start("serve", "--config-file", "tiny.yaml", "--device", "cpu", "--port", "0", "MODEL.WEIGHTS", "output/model_final.safetensors");
        address = jar.address(server);
        photo = new SampleSet(folder.resolve("datasets/quickstart")).valImages().resolve("000001.png");
    }

    @AfterAll
    void stop() throws InterruptedException {
        if (browser != null) {
            browser.close();
        }
        if (server != null) {
            server.destroy();
            assertThat(server.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(server.exitValue()).isEqualTo(143);
        }
    }

    @BeforeEach
    void open() {
        browser.size(1280, 900);
        browser.driver().get(address);
        browser.console();
    }

    /** The server's own word on the picture, asked for beside the page. */
    private List<JsonNode> detections(Path file) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<String> answer = client.send(HttpRequest.newBuilder(URI.create(address + "v1/detect?threshold=0.01"))
                    .POST(HttpRequest.BodyPublishers.ofFile(file)).build(), HttpResponse.BodyHandlers.ofString());
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
            return StreamSupport.stream(Json.MAPPER.readTree(answer.body()).get("detections").spliterator(), false).toList();
        }
    }

    private void drop(Path file) throws IOException {
        browser.bring("drop", file.getFileName().toString(), "image/png", Files.readAllBytes(file));
        awaitAnswer();
    }

    private void awaitAnswer() {
        browser.await("an answer on the page", () -> browser.find("#results").isDisplayed() && browser.all("#view.busy").isEmpty());
    }

    /** Moves the slider by the keyboard. */
    private void threshold(double score) {
        WebElement slider = browser.find("#threshold");
        slider.sendKeys(Keys.HOME);
        for (int i = 1; i < Math.round(100 * score); i++) {
            slider.sendKeys(Keys.ARROW_RIGHT);
        }
        assertThat(Double.parseDouble(slider.getDomProperty("value"))).isEqualTo(score, within(1e-9));
    }

    private long requests() {
        return (long) browser.script("return performance.getEntriesByType('resource').filter((e) => e.name.includes('v1/detect')).length");
    }

    private static long above(List<JsonNode> detections, double threshold) {
        return detections.stream().filter(d -> d.get("score").asDouble() >= threshold).count();
    }

    @Test
    void boxes_are_drawn_where_the_server_says() throws Exception {
        drop(photo);
        threshold(0.01);
        List<JsonNode> expected = detections(photo);
        assertThat(expected).isNotEmpty();
        List<WebElement> boxes = browser.all("#overlay rect.box").reversed(); // the best are drawn last
        assertThat(boxes).hasSameSizeAs(expected);
        WebElement shown = browser.find("#photo");
        double factor = shown.getRect().width / 96.0;
        assertThat(factor).as("small pictures are enlarged by whole pixels").isGreaterThanOrEqualTo(2);
        for (int i = 0; i < boxes.size(); i++) {
            JsonNode box = expected.get(i).get("bbox");
            for (String attribute : List.of("x", "y", "width", "height")) {
                double wanted = box.get(List.of("x", "y", "width", "height").indexOf(attribute)).asDouble();
                assertThat(Double.parseDouble(boxes.get(i).getDomAttribute(attribute))).as("box %d, %s", i, attribute).isEqualTo(wanted, within(1e-3));
            }
            @SuppressWarnings("unchecked")
            List<Number> onScreen = (List<Number>) browser.script("""
                    const box = arguments[0].getBoundingClientRect();
                    const photo = document.getElementById('photo').getBoundingClientRect();
                    return [box.left - photo.left, box.top - photo.top, box.width, box.height];
                    """, boxes.get(i));
            for (int k = 0; k < 4; k++) {
                assertThat(onScreen.get(k).doubleValue()).as("box %d on the screen", i).isEqualTo(factor * box.get(k).asDouble(), within(1.0));
            }
        }
        browser.screenshot("page-boxes");
        assertThat(browser.console()).isEmpty();
    }

    @Test
    void the_slider_filters_without_asking_again() throws Exception {
        drop(photo);
        List<JsonNode> all = detections(photo);
        double median = all.get(all.size() / 2).get("score").asDouble();
        double middle = Math.round(100 * median) / 100.0;
        long asked = requests();
        for (double score : new double[] {0.01, middle, 0.99}) {
            threshold(score);
            assertThat(browser.all("#overlay rect.box")).hasSize((int) above(all, score));
            assertThat(browser.all("#objects tbody tr")).hasSize((int) above(all, score));
            assertThat(browser.find("#threshold-value").getText()).isEqualTo("%.2f".formatted(score));
        }
        assertThat(above(all, middle)).isBetween(1L, all.size() - 1L);
        assertThat(requests()).isEqualTo(asked).isEqualTo(1);
        assertThat(browser.console()).isEmpty();
    }

    @Test
    void classes_are_switched_off_and_on() throws Exception {
        drop(photo);
        threshold(0.01);
        List<JsonNode> all = detections(photo);
        String name = all.getFirst().get("category_name").asText();
        long others = all.stream().filter(d -> !d.get("category_name").asText().equals(name)).count();
        WebElement box = browser.all("#class-list label").stream().filter(l -> l.getText().startsWith(name)).findFirst().orElseThrow()
                .findElement(By.tagName("input"));
        box.click();
        assertThat(browser.all("#overlay rect.box")).hasSize((int) others);
        browser.find("#none").click();
        assertThat(browser.all("#overlay rect.box")).isEmpty();
        assertThat(browser.find("#count").getText()).isEqualTo("0 objects");
        browser.find("#all").click();
        assertThat(browser.all("#overlay rect.box")).hasSameSizeAs(all);
        assertThat(requests()).isEqualTo(1);
    }

    @Test
    void a_picture_is_pasted_chosen_or_taken_with_the_camera() throws Exception {
        browser.bring("paste", "pasted.png", "image/png", Files.readAllBytes(photo));
        awaitAnswer();
        assertThat(browser.find("#photo").getDomAttribute("alt")).isEqualTo("pasted.png");

        browser.find("#file").sendKeys(photo.toAbsolutePath().toString());
        browser.await("the chosen file", () -> "000001.png".equals(browser.find("#photo").getDomAttribute("alt")) && browser.all("#view.busy").isEmpty());

        browser.find("#camera-open").click();
        browser.await("the camera", () -> browser.find("#camera-take").isDisplayed());
        browser.screenshot("page-camera");
        browser.find("#camera-take").click();
        browser.await("the camera's picture", () -> "camera.jpg".equals(browser.find("#photo").getDomAttribute("alt")) && browser.all("#view.busy").isEmpty());
        awaitAnswer();
        assertThat(browser.find("#camera-open").isDisplayed()).isTrue();
        assertThat(requests()).isEqualTo(3);
        assertThat(browser.console()).isEmpty();
    }

    /** A browser writes 0 where Java writes 0.0. */
    private static List<Double> numbers(JsonNode list) {
        List<Double> numbers = new ArrayList<>();
        list.forEach(n -> numbers.add(n.asDouble()));
        return numbers;
    }

    @Test
    void what_is_shown_is_saved_as_json_and_as_a_picture() throws Exception {
        drop(photo);
        threshold(0.01);
        int shown = browser.all("#overlay rect.box").size();
        browser.find("#save-json").click();
        browser.find("#save-png").click();
        Path json = folder.resolve("downloads/000001.json");
        Path png = folder.resolve("downloads/000001-objects.png");
        browser.await("both files", () -> Files.exists(json) && Files.exists(png));
        JsonNode saved = Json.read(json, JsonNode.class);
        assertThat(saved.get("detections")).hasSize(shown);
        assertThat(saved.get("file_name").asText()).isEqualTo("000001.png");
        List<JsonNode> expected = detections(photo);
        assertThat(numbers(saved.get("detections").get(0).get("bbox"))).isEqualTo(numbers(expected.getFirst().get("bbox")));

        BufferedImage drawn = ImageIO.read(png.toFile());
        BufferedImage original = ImageIO.read(photo.toFile());
        assertThat(List.of(drawn.getWidth(), drawn.getHeight())).isEqualTo(List.of(original.getWidth(), original.getHeight()));
        String stroke = browser.all("#overlay rect.box").getLast().getDomAttribute("stroke"); // of the best, which lies on top
        String[] rgb = stroke.replaceAll("[^\\d,]", "").split(",");
        int wanted = new Color(Integer.parseInt(rgb[0]), Integer.parseInt(rgb[1]), Integer.parseInt(rgb[2])).getRGB();
        JsonNode box = expected.getFirst().get("bbox");
        int x = Math.clamp(Math.round(box.get(0).asDouble() + box.get(2).asDouble() / 2), 0, 95);
        int bottom = Math.clamp(Math.round(box.get(1).asDouble() + box.get(3).asDouble()), 1, 95);
        assertThat(List.of(drawn.getRGB(x, bottom - 1), drawn.getRGB(x, bottom))).as("the lower edge at x=%d, y=%d", x, bottom).contains(wanted);
    }

    @Test
    void bad_files_are_told_with_the_servers_reason_and_names_do_no_harm() throws Exception {
        String name = "<img src=x onerror=document.title='harmed'>.png";
        browser.bring("drop", name, "image/png", "no picture".getBytes());
        browser.await("a reason", () -> browser.find("#status.bad").getText().startsWith(name));
        assertThat(browser.find("#results").isDisplayed()).isFalse();
        browser.screenshot("page-bad-file");
        assertThat(browser.console()).allMatch(line -> line.contains("400")); // Chromium notes the refusal itself
        drop(photo);
        assertThat(browser.find("#status").getText()).isEmpty();
        assertThat(browser.driver().getTitle()).isEqualTo("sparse-rcnn");
    }

    @Test
    void everything_is_reached_by_keyboard() throws Exception {
        drop(photo);
        threshold(0.01);
        browser.script("document.activeElement.blur(); window.scrollTo(0, 0)");
        browser.driver().findElement(By.tagName("h1")).click();
        List<String> stops = browser.tabStops(24);
        assertThat(stops).containsSubsequence("API", "metrics", "file", "camera-open", "threshold", "all", "none");
        browser.script("document.querySelector('#save-json').focus()");
        assertThat(browser.tabStops(1)).containsExactly("save-png");

        browser.script("document.querySelector('#objects tbody tr').focus()");
        assertThat(browser.all("#overlay g.chosen")).hasSize(1);
        browser.find("#threshold").sendKeys(Keys.END);
        assertThat(browser.find("#threshold-value").getText()).isEqualTo("0.99");
    }

    @Test
    void a_phone_shows_it_all_without_scrolling_sideways_by_day_and_by_night() throws Exception {
        browser.size(500, 900); // as narrow as Chromium's window gets
        drop(photo);
        threshold(0.3);
        for (String scheme : List.of("light", "dark")) {
            browser.prefers(scheme);
            assertThat((boolean) browser.script("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")).isTrue();
            browser.screenshot("page-phone-" + scheme);
        }
        String dark = browser.find("body").getCssValue("background-color");
        browser.prefers("light");
        assertThat(browser.find("body").getCssValue("background-color")).isNotEqualTo(dark);
    }
}
