package org.sparsercnn.browser;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.openqa.selenium.By;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.Keys;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;
import org.openqa.selenium.support.ui.WebDriverWait;

/**
 * A headless Chromium that a test opens pages in, with an invented camera. Where chromium and chromedriver are not on the path
 * the test is skipped, which the build's log tells.
 */
final class Browser implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Path SCREENSHOTS = Path.of("target/screenshots");
    /** Warns that a browser may be newer than it is. */
    private static final Logger SELENIUM = Logger.getLogger("org.openqa.selenium");

    static {
        SELENIUM.setLevel(Level.SEVERE);
    }

    private final ChromeDriver driver;

    private Browser(ChromeDriver driver) {
        this.driver = driver;
    }

    /** @param folder for the profile and, in {@code downloads}, for what pages save; an own one for each browser */
    static Browser open(Path folder) {
        Optional<Path> chromium = onPath("chromium", "chromium-browser", "google-chrome");
        Optional<Path> chromedriver = onPath("chromedriver");
        assumeTrue(chromium.isPresent() && chromedriver.isPresent(),
                "not run in a browser: install chromium and chromedriver (Debian's packages chromium and chromium-driver)");
        ChromeOptions options = new ChromeOptions();
        options.setBinary(chromium.get().toFile());
        options.addArguments("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
                "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--user-data-dir=" + folder.resolve("profile"));
        options.setExperimentalOption("prefs", Map.of("download.default_directory", folder.resolve("downloads").toString()));
        LoggingPreferences logging = new LoggingPreferences();
        logging.enable(LogType.BROWSER, Level.ALL);
        options.setCapability("goog:loggingPrefs", logging);
        ChromeDriverService service = new ChromeDriverService.Builder().usingDriverExecutable(chromedriver.get().toFile()).usingAnyFreePort()
                .withLogFile(folder.resolve("chromedriver.log").toFile()).build();
        return new Browser(new ChromeDriver(service, options));
    }

    private static Optional<Path> onPath(String... names) {
        return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                .flatMap(folder -> Arrays.stream(names).map(name -> Path.of(folder, name))).filter(Files::isExecutable).findFirst();
    }

    ChromeDriver driver() {
        return driver;
    }

    void size(int width, int height) {
        driver.manage().window().setSize(new Dimension(width, height));
    }

    /** @param scheme {@code light} or {@code dark}, what the system prefers */
    void prefers(String scheme) {
        driver.executeCdpCommand("Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
    }

    WebElement find(String selector) {
        return driver.findElement(By.cssSelector(selector));
    }

    List<WebElement> all(String selector) {
        return driver.findElements(By.cssSelector(selector));
    }

    Object script(String script, Object... arguments) {
        return driver.executeScript(script, arguments);
    }

    /** Waits until it is so; an exception says what was waited for. */
    void await(String what, BooleanSupplier condition) {
        new WebDriverWait(driver, PATIENCE).withMessage(what).pollingEvery(Duration.ofMillis(50)).until(_ -> condition.getAsBoolean());
    }

    /** Brings a file to the page as a user does: {@code drop} lets it fall on the page, {@code paste} takes it from the clipboard. */
    void bring(String event, String name, String type, byte[] bytes) {
        script("""
                const bytes = Uint8Array.from(atob(arguments[3]), (c) => c.charCodeAt(0));
                const transfer = new DataTransfer();
                transfer.items.add(new File([bytes], arguments[1], {type: arguments[2]}));
                const more = {bubbles: true, cancelable: true};
                document.dispatchEvent(arguments[0] === 'drop' ? new DragEvent('drop', {dataTransfer: transfer, ...more})
                    : new ClipboardEvent('paste', {clipboardData: transfer, ...more}));
                """, event, name, type, Base64.getEncoder().encodeToString(bytes));
    }

    /** What pages had to say since the last call: errors, warnings, and what they were refused. */
    List<String> console() {
        return driver.manage().logs().get(LogType.BROWSER).getAll().stream().filter(e -> e.getLevel().intValue() >= Level.WARNING.intValue())
                .map(LogEntry::getMessage).toList();
    }

    /** Leaves a picture of the window for a person to look at. */
    void screenshot(String name) {
        keep(name, driver.getScreenshotAs(OutputType.BYTES));
    }

    /** The same of the whole page, however long. */
    void wholePage(String name) {
        Map<String, Object> taken = driver.executeCdpCommand("Page.captureScreenshot", Map.of("captureBeyondViewport", true));
        keep(name, Base64.getDecoder().decode((String) taken.get("data")));
    }

    private static void keep(String name, byte[] png) {
        try {
            Files.createDirectories(SCREENSHOTS);
            Files.write(SCREENSHOTS.resolve(name + ".png"), png);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Names of what has the keyboard's focus, one after another, for {@code steps} presses of the tabulator key. */
    List<String> tabStops(int steps) {
        return Stream.generate(() -> {
            new Actions(driver).sendKeys(Keys.TAB).perform();
            return (String) script("const e = document.activeElement; return e.id || e.textContent.trim() || e.tagName;");
        }).limit(steps).toList();
    }

    @Override
    public void close() {
        driver.quit();
    }
}
