package org.sparsercnn.data.convert;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.xml.XMLConstants;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.parsers.SAXParserFactory;
import org.sparsercnn.util.AtomicFiles;
import org.xml.sax.Attributes;
import org.xml.sax.InputSource;
import org.xml.sax.Locator;
import org.xml.sax.SAXException;
import org.xml.sax.SAXParseException;
import org.xml.sax.XMLReader;
import org.xml.sax.helpers.DefaultHandler;

/**
 * A Pascal VOC annotation file, its texts as they stand. Only what lies at its place counts: VOC 2012 has parts, with names and
 * boxes of their own, inside objects.
 *
 * @param values {@code filename}, {@code size/width}, {@code size/height}; absent ones are absent
 */
record VocXml(Map<String, String> values, List<VocObject> objects) {
    /**
     * @param line where it begins
     * @param values {@code name}, {@code difficult}, {@code bndbox/xmin}, …
     */
    record VocObject(int line, Map<String, String> values) {}

    /** Why a file is no annotation file; the message lacks the file's name. */
    static final class Broken extends Exception {
        Broken(String message) {
            super(message);
        }
    }

    /** @param reader a {@link #reader}, which takes longer to make than a file takes to read */
    static VocXml read(XMLReader reader, Path file) throws Broken {
        Handler handler = new Handler();
        try (InputStream in = Files.newInputStream(file)) {
            reader.setContentHandler(handler);
            reader.setErrorHandler(handler); // without one, the parser prints
            reader.setEntityResolver(handler);
            reader.parse(new InputSource(in));
        } catch (SAXParseException e) {
            throw new Broken("line %d: %s".formatted(Math.max(e.getLineNumber(), handler.line()), e.getMessage().contains("DOCTYPE")
                    ? "a DOCTYPE, which no annotation file has and which could make the parser read other files; remove it" : "no XML: " + e.getMessage()));
        } catch (SAXException e) {
            throw new Broken("line %d: %s".formatted(handler.line(), e.getMessage()));
        } catch (IOException e) { // bytes that the encoding does not have are one, too
            throw new Broken(AtomicFiles.reason(e));
        }
        return new VocXml(handler.values, handler.objects);
    }

    /** One that reads nothing but the bytes it is given: documents with a DOCTYPE, the only way to entities, are refused. */
    static XMLReader reader() {
        try {
            SAXParserFactory factory = SAXParserFactory.newDefaultInstance();
            factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
            factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            factory.setFeature("http://xml.org/sax/features/external-general-entities", false);
            factory.setFeature("http://xml.org/sax/features/external-parameter-entities", false);
            return factory.newSAXParser().getXMLReader();
        } catch (ParserConfigurationException | SAXException e) {
            throw new IllegalStateException("the JDK's own XML parser lacks a feature", e);
        }
    }

    private static final class Handler extends DefaultHandler {
        private final Map<String, String> values = new HashMap<>();
        private final List<VocObject> objects = new ArrayList<>();
        private final Deque<String> path = new ArrayDeque<>();
        private final StringBuilder text = new StringBuilder();
        private Locator locator;

        @Override
        public void setDocumentLocator(Locator locator) {
            this.locator = locator;
        }

        int line() {
            return locator == null ? 1 : locator.getLineNumber();
        }

        @Override
        public void startElement(String uri, String localName, String name, Attributes attributes) throws SAXException {
            if (path.isEmpty() && !name.equals("annotation")) {
                throw new SAXException("the outermost element is <" + name + ">, <annotation> was expected");
            }
            path.addLast(name);
            text.setLength(0);
            if (at().equals("annotation/object")) {
                objects.add(new VocObject(line(), new HashMap<>()));
            }
        }

        @Override
        public void characters(char[] chars, int start, int length) {
            text.append(chars, start, length);
        }

        @Override
        public void endElement(String uri, String localName, String name) {
            String value = text.toString().strip();
            switch (at()) {
                case "annotation/filename", "annotation/size/width", "annotation/size/height" ->
                    values.put(at().substring("annotation/".length()), value);
                case "annotation/object/name", "annotation/object/difficult", "annotation/object/bndbox/xmin", "annotation/object/bndbox/ymin",
                        "annotation/object/bndbox/xmax", "annotation/object/bndbox/ymax" ->
                    objects.getLast().values.put(at().substring("annotation/object/".length()), value);
                default -> { }
            }
            text.setLength(0);
            path.removeLast();
        }

        private String at() {
            return String.join("/", path);
        }
    }
}
