package org.sparsercnn.browser;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.sparsercnn.util.Json;

/** The pages of {@code train}, {@code eval} and {@code compare}, opened from the disk in a browser. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ReportPageIT {
    @TempDir
    static Path folder;

    private Browser browser;
    private JarRun jar;

    @BeforeAll
    void train() throws IOException, InterruptedException {
        browser = Browser.open(folder);
        jar = JarRun.in(folder);
        jar.run("train", "--config-file", "tiny.yaml", "--device", "cpu");
    }

    @AfterAll
    void close() {
        if (browser != null) {
            browser.close();
        }
    }

    private void open(String file) {
        browser.size(1280, 900);
        browser.driver().get(folder.resolve(file).toUri().toString());
    }

    private boolean fitsTheWidth() {
        return (boolean) browser.script("return document.documentElement.scrollWidth <= document.documentElement.clientWidth");
    }

    @Test
    void the_report_stands_alone_and_is_read_by_day_by_night_and_on_a_phone() {
        open("output/report/index.html");
        assertThat(browser.console()).isEmpty();
        assertThat((List<?>) browser.script("return performance.getEntriesByType('resource').map((e) => e.name).filter((n) => !n.startsWith('data:'))"))
                .as("what the page fetches").isEmpty();
        for (String part : List.of("summary", "config", "environment", "losses", "ap-over-time", "pr-curves", "per-class", "confusion", "errors",
                "ap-by-size", "scores", "calibration", "time", "gallery")) {
            WebElement section = browser.find("#" + part);
            assertThat(section.isDisplayed()).as(part).isTrue();
            assertThat(section.getText()).as(part).isNotBlank();
        }
        for (String scheme : List.of("light", "dark")) {
            browser.prefers(scheme);
            browser.size(1280, 900);
            browser.wholePage("report-" + scheme);
            browser.size(500, 900);
            assertThat(fitsTheWidth()).isTrue();
            browser.wholePage("report-phone-" + scheme);
        }
        browser.prefers("light");
        assertThat(browser.console()).isEmpty();
    }

    @Test
    void its_numbers_are_the_evaluations_and_its_pictures_lead_to_the_files() throws Exception {
        open("output/report/index.html");
        JsonNode stats = Json.read(folder.resolve("output/inference/evaluation.json"), JsonNode.class).get("stats");
        assertThat(browser.find("#summary").getText()).contains("%.1f".formatted(100 * stats.get(0).asDouble()));
        List<WebElement> links = browser.all("#gallery a");
        assertThat(links).isNotEmpty();
        for (WebElement link : links) {
            assertThat(Path.of(URI.create(link.getDomProperty("href")))).exists();
        }
        browser.script("document.querySelectorAll('#gallery img').forEach((i) => { i.loading = 'eager'; })");
        browser.await("pictures that can be shown",
                () -> (boolean) browser.script("return [...document.querySelectorAll('#gallery img')].every((i) => i.naturalWidth > 0)"));
    }

    @Test
    void tables_are_sorted_by_keyboard() {
        open("output/report/index.html");
        WebElement button = browser.find("#per-class th button");
        String first = browser.find("#per-class tbody tr").getText();
        button.sendKeys(Keys.ENTER);
        String second = browser.find("#per-class tbody tr").getText();
        button.sendKeys(Keys.ENTER);
        String third = browser.find("#per-class tbody tr").getText();
        assertThat(List.of(second, third)).doesNotHaveDuplicates();
        assertThat(List.of(second, third, first)).as("five classes").hasSize(3);
        assertThat(browser.all("#per-class th[aria-sort]")).isNotEmpty();
    }

    @Test
    void runs_stand_side_by_side() throws Exception {
        jar.run("train", "--config-file", "tiny.yaml", "--device", "cpu", "SOLVER.BASE_LR", "0.0005", "OUTPUT_DIR", "other");
        jar.run("compare", "output", "other", "--output", "both");
        assertThat(Files.exists(folder.resolve("both/index.html"))).isTrue();
        open("both/index.html");
        assertThat(browser.find("body").getText()).contains("SOLVER.BASE_LR", "0.0005");
        assertThat(browser.console()).isEmpty();
        browser.wholePage("compare");
        browser.size(500, 900);
        assertThat(fitsTheWidth()).isTrue();
    }
}
