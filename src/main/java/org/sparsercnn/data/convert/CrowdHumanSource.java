package org.sparsercnn.data.convert;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sparsercnn.data.ImageSize;
import org.sparsercnn.data.convert.LabelledImage.Instance;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/**
 * CrowdHuman: a JSON object per line. What comes out is what the published converter of Sparse R-CNN writes, byte for byte: full
 * boxes unchanged, visible ones beside them, {@code iscrowd} where {@code extra.ignore} equals 1, and no look at the tag. Where that
 * one fails, this one goes on if nothing is in doubt: blank lines, no {@code vbox}, {@code extra} null.
 */
final class CrowdHumanSource implements LabelSource {
    private static final ObjectReader LINE = Json.MAPPER.reader().with(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).forType(JsonNode.class);
    private static final Pattern FILE = Pattern.compile("annotation_(.+)\\.odgt");
    private static final List<String> CATEGORIES = List.of("person");

    private final Path odgt;
    private final Path images;

    /** @throws BadInput if there is no one .odgt file or no image folder */
    CrowdHumanSource(Inputs inputs) {
        if (!inputs.classes().isEmpty() && !inputs.classes().equals(CATEGORIES)) {
            throw new BadInput("--classes: CrowdHuman has the one class person");
        }
        odgt = odgt(inputs);
        Matcher name = FILE.matcher(odgt.getFileName().toString());
        images = inputs.imageFolder(name.matches() ? "CrowdHuman_" + name.group(1) : "Images", "Images", "images");
    }

    private static Path odgt(Inputs inputs) {
        if (Files.isRegularFile(inputs.path())) {
            if (!inputs.splits().isEmpty()) {
                throw new BadInput("--split: not together with an .odgt file, which is one; name the folder instead");
            }
            return inputs.path();
        }
        List<String> there = Inputs.names(inputs.folder(), ".odgt");
        List<String> wanted = inputs.splits().isEmpty() ? there : inputs.splits().stream().map(split -> "annotation_" + split).toList();
        if (wanted.size() != 1 || !there.containsAll(wanted)) {
            throw BadInput.of("%s: one .odgt file is converted at a time, and --split train means annotation_train.odgt; there are: %s", inputs.folder(),
                    there.isEmpty() ? "none" : String.join(", ", there));
        }
        return inputs.folder().resolve(wanted.getFirst() + ".odgt");
    }

    @Override
    public List<String> categories() {
        return CATEGORIES;
    }

    @Override
    public Path imageFolder() {
        return images;
    }

    @Override
    public List<String> splits() {
        return Inputs.names(odgt.resolveSibling(""), ".odgt").stream().map(name -> FILE.matcher(name + ".odgt")).filter(Matcher::matches)
                .map(name -> name.group(1)).toList();
    }

    @Override
    public long steps() {
        try (BufferedReader in = Inputs.open(odgt)) {
            return in.lines().count();
        } catch (IOException e) {
            throw Inputs.unreadable(odgt, e);
        } catch (UncheckedIOException e) {
            throw Inputs.unreadable(odgt, e.getCause());
        }
    }

    @Override
    public void read(Findings findings, Sink sink) {
        Set<String> seen = new HashSet<>();
        try (BufferedReader in = Inputs.open(odgt)) {
            int number = 1;
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                sink.step();
                String place = "%s, line %d".formatted(odgt, number++);
                if (!line.isBlank()) {
                    image(line, place, seen, findings).ifPresent(sink::image);
                }
            }
        } catch (IOException e) {
            throw Inputs.unreadable(odgt, e);
        }
    }

    private Optional<LabelledImage> image(String line, String place, Set<String> seen, Findings findings) {
        JsonNode record;
        try {
            record = LINE.readValue(line);
        } catch (JsonProcessingException e) {
            findings.add(Finding.UNREADABLE, "%s: no JSON: %s", place, e.getOriginalMessage());
            return Optional.empty();
        }
        if (!record.path("ID").isTextual() || !record.path("gtboxes").isArray()) {
            findings.add(Finding.UNREADABLE, "%s: an object with a text \"ID\" and a list \"gtboxes\" was expected", place);
            return Optional.empty();
        }
        String name = record.get("ID").asText() + ".jpg";
        if (!seen.add(name)) {
            findings.add(Finding.REPEATED, "%s: %s once more", place, name);
            return Optional.empty();
        }
        if (!Files.isRegularFile(images.resolve(name))) {
            findings.add(Finding.NO_IMAGE, "%s: no image %s", place, images.resolve(name));
            return Optional.empty();
        }
        Optional<ImageSize> size = Pictures.size(images.resolve(name), place, findings);
        if (size.isEmpty()) {
            return Optional.empty();
        }
        List<Instance> instances = new ArrayList<>();
        int i = 0;
        for (JsonNode object : record.get("gtboxes")) {
            instance(object, "%s (%s), gtboxes[%d]".formatted(place, record.get("ID").asText(), i++), findings).ifPresent(instances::add);
        }
        return Optional.of(new LabelledImage(name, size.get(), instances));
    }

    private static Optional<Instance> instance(JsonNode object, String place, Findings findings) {
        Optional<List<Number>> full = numbers(object.path("fbox"));
        Optional<List<Number>> visible = numbers(object.path("vbox"));
        if (full.isEmpty() || full.get().size() != 4 || visible.isEmpty() && object.has("vbox")) {
            findings.add(Finding.BAD_OBJECT, "%s: fbox is %s and vbox %s; four numbers were expected of the first, a list of numbers of the second", place,
                    shown(object.path("fbox")), shown(object.path("vbox")));
            return Optional.empty();
        }
        Box box = Box.of(full.get());
        JsonNode ignore = object.path("extra").path("ignore");
        boolean crowd = ignore.isBoolean() ? ignore.booleanValue() : ignore.isNumber() && ignore.doubleValue() == 1;
        String tag = object.path("tag").asText("person");
        if (!crowd && !tag.equals("person")) {
            findings.add(Finding.PUBLISHED_PERSON, "%s: \"%s\"", place, tag);
        }
        if (box.width().doubleValue() <= 0 || box.height().doubleValue() <= 0) {
            findings.add(Finding.PUBLISHED_EMPTY, "%s: %s", place, object.get("fbox"));
        }
        return Optional.of(new Instance(1, box, visible.orElse(null), crowd));
    }

    private static String shown(JsonNode value) {
        return value.isMissingNode() ? "missing" : value.toString();
    }

    /** A list of finite numbers, integers as integers. */
    private static Optional<List<Number>> numbers(JsonNode list) {
        List<Number> numbers = new ArrayList<>(4);
        for (JsonNode value : list) {
            if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
                return Optional.empty();
            }
            numbers.add(!value.isIntegralNumber() ? (Number) value.doubleValue() : value.canConvertToLong() ? (Number) value.longValue() : value.bigIntegerValue());
        }
        return list.isArray() ? Optional.of(numbers) : Optional.empty();
    }
}
