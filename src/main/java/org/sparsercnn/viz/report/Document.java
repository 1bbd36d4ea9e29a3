package org.sparsercnn.viz.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.function.Consumer;

/**
 * The frame of a page: style and script inside it, and a policy that keeps it from loading anything from anywhere and from running any
 * other script than its own.
 */
final class Document {
    private static final String STYLE = resource("report.css");
    private static final String SCRIPT = resource("report.js");

    private Document() {}

    static String of(String title, Consumer<Html> content) {
        String policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-" + sha256(SCRIPT) + "'; base-uri 'none'; form-action 'none'";
        Html page = new Html().raw("<!DOCTYPE html>\n");
        page.element("html", html -> {
            html.element("head", head -> {
                head.empty("meta", "charset", "utf-8");
                head.empty("meta", "http-equiv", "Content-Security-Policy", "content", policy);
                head.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
                head.empty("meta", "name", "color-scheme", "content", "light dark");
                head.element("title", title);
                head.element("style", style -> style.raw(STYLE));
            });
            html.element("body", body -> {
                body.element("header", header -> header.element("h1", title));
                body.element("main", content);
                body.element("script", script -> script.raw(SCRIPT));
            });
        }, "lang", "en");
        return page.raw("\n").toString();
    }

    private static String resource(String name) {
        try (InputStream in = Document.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String sha256(String text) {
        try {
            return Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every JDK has it
        }
    }
}
