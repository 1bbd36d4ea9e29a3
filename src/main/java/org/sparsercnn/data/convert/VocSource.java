package org.sparsercnn.data.convert;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.sparsercnn.data.ImageSize;
import org.sparsercnn.data.convert.LabelledImage.Instance;
import org.sparsercnn.data.convert.VocXml.Broken;
import org.sparsercnn.data.convert.VocXml.VocObject;
import org.sparsercnn.util.BadInput;
import org.xml.sax.XMLReader;

/**
 * Pascal VOC: an XML file per image. Boxes count pixels from 1 and include their last pixel: their edges lie at {@code xmin - 1}
 * and {@code xmax}, as in detectron2's {@code load_voc_instances}.
 */
final class VocSource implements LabelSource {
    /** A line of {@code aeroplane_train.txt}: an image, and whether that class is in it. */
    private static final Pattern OF_ONE_CLASS = Pattern.compile(".*\\S\\s+(-1|0|1)");

    private static final List<String> CORNERS = List.of("bndbox/xmin", "bndbox/ymin", "bndbox/xmax", "bndbox/ymax");

    /** One image to convert, by the name that its two files share, and where that name was read. */
    private record Entry(String stem, String place) {}

    private final XMLReader parser = VocXml.reader();
    private final Inputs inputs;
    private final Path annotations;
    private final Path images;
    private final List<Entry> entries = new ArrayList<>();
    private final List<String> categories;

    /** @throws BadInput if a folder or list is missing or empty */
    VocSource(Inputs inputs) {
        this.inputs = inputs;
        annotations = inputs.firstFolder("annotation files (*.xml)", "Annotations", "annotations", "");
        images = annotations.equals(inputs.folder()) ? inputs.images().orElse(annotations) : inputs.imageFolder("JPEGImages", "images");
        List<String> all = Inputs.names(annotations, ".xml");
        if (all.isEmpty()) {
            throw new BadInput(annotations + ": no annotation file (*.xml) is there");
        }
        inputs.splits().forEach(split -> readSplit(inputs.splitFile(split, lists())));
        if (inputs.splits().isEmpty()) {
            all.forEach(stem -> entries.add(new Entry(stem, annotations.toString())));
        }
        categories = inputs.classes().isEmpty() ? classesOf(all) : inputs.classes();
    }

    private void readSplit(Path list) {
        List<String> lines = Inputs.lines(list);
        if (lines.stream().allMatch(String::isEmpty)) {
            throw new BadInput(list + ": the split is empty; a line per image was expected, its name without ending");
        }
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (OF_ONE_CLASS.matcher(line).matches() && !Files.exists(xml(line))) {
                throw BadInput.of("%s, line %d: \"%s\": the list of a single class; name the one of all classes, such as train", list, i + 1, line);
            } else if (!line.isEmpty()) {
                entries.add(new Entry(line, "%s, line %d".formatted(list, i + 1)));
            }
        }
    }

    /** Those of all files, whatever the split, so that all splits number their classes alike; sorted, as VOC's own twenty are. */
    private List<String> classesOf(List<String> stems) {
        Set<String> names = new TreeSet<>();
        for (String stem : stems) {
            try {
                VocXml.read(parser, xml(stem)).objects().forEach(object -> names.add(object.values().getOrDefault("name", "")));
            } catch (Broken e) {
                // said when its image is converted, and of no interest if it is not
            }
        }
        names.remove("");
        if (names.isEmpty()) {
            throw new BadInput(annotations + ": no annotation file (*.xml) has an object with a name");
        }
        return List.copyOf(names);
    }

    private Path xml(String stem) {
        return annotations.resolve(stem + ".xml");
    }

    @Override
    public List<String> categories() {
        return categories;
    }

    @Override
    public Path imageFolder() {
        return images;
    }

    private Path lists() {
        return inputs.folder().resolve("ImageSets/Main");
    }

    @Override
    public List<String> splits() {
        return Inputs.names(lists(), ".txt");
    }

    @Override
    public long steps() {
        return entries.size();
    }

    @Override
    public void read(Findings findings, Sink sink) {
        Set<String> seen = new HashSet<>();
        for (Entry entry : entries) {
            sink.step();
            if (!Files.isRegularFile(xml(entry.stem))) {
                findings.add(Finding.NO_LABELS, "%s: there is no %s", entry.place, xml(entry.stem));
                continue;
            }
            try {
                Optional<LabelledImage> image = read(entry, findings);
                if (image.isPresent() && !seen.add(image.get().fileName())) {
                    findings.add(Finding.REPEATED, "%s: %s once more", entry.place, image.get().fileName());
                } else {
                    image.ifPresent(sink::image);
                }
            } catch (Broken e) {
                findings.add(Finding.UNREADABLE, "%s, %s", xml(entry.stem), e.getMessage());
            }
        }
        if (inputs.splits().isEmpty()) {
            reportLeftOut(seen, findings);
        }
    }

    private Optional<LabelledImage> read(Entry entry, Findings findings) throws Broken {
        Path file = xml(entry.stem);
        VocXml xml = VocXml.read(parser, file);
        Optional<String> name = imageOf(entry.stem, xml);
        if (name.isEmpty()) {
            findings.add(Finding.NO_IMAGE, "%s: neither %s.jpg (.png, …) nor its filename \"%s\" is in %s", file, entry.stem,
                    xml.values().getOrDefault("filename", ""), images);
            return Optional.empty();
        }
        Optional<ImageSize> size = Pictures.size(images.resolve(name.get()), file.toString(), findings);
        if (size.isEmpty() || !sizeAgrees(xml, size.get(), file + ": " + name.get(), findings)) {
            return Optional.empty();
        }
        List<Instance> instances = new ArrayList<>();
        for (VocObject object : xml.objects()) {
            instance(object, size.get(), "%s, line %d".formatted(file, object.line()), findings).ifPresent(instances::add);
        }
        return Optional.of(new LabelledImage(name.get(), size.get(), instances));
    }

    /** The image named like the annotation file, as detectron2 has it; else the one the file names: renamed files keep a stale name. */
    private Optional<String> imageOf(String stem, VocXml xml) {
        return Pictures.named(images, stem).or(() -> Optional.of(xml.values().getOrDefault("filename", "")).map(name -> name.replaceAll(".*[/\\\\]", ""))
                .filter(name -> !name.isEmpty() && Files.isRegularFile(images.resolve(name))));
    }

    /** Files without a size, or with 0 for one, are common and harmless. */
    private static boolean sizeAgrees(VocXml xml, ImageSize size, String place, Findings findings) {
        double width = Numbers.parse(xml.values().getOrDefault("size/width", "0")).orElse(0);
        double height = Numbers.parse(xml.values().getOrDefault("size/height", "0")).orElse(0);
        if (width <= 0 || height <= 0 || (width == size.width() && height == size.height())) {
            return true;
        }
        boolean turned = width == size.height() && height == size.width();
        findings.add(Finding.OTHER_SIZE, "%s is %s, the file says %sx%s%s", place, size, Numbers.text(Numbers.tidy(width)), Numbers.text(Numbers.tidy(height)),
                turned ? "; boxes must be those of the upright image, with its EXIF orientation applied" : "");
        return false;
    }

    private Optional<Instance> instance(VocObject object, ImageSize size, String place, Findings findings) {
        String name = object.values().getOrDefault("name", "");
        boolean hard = object.values().getOrDefault("difficult", "0").equals("1");
        if (hard && inputs.difficult() == Difficult.DROP) {
            return Optional.empty();
        }
        double[] corners = new double[4];
        for (int i = 0; i < 4; i++) {
            String text = object.values().get(CORNERS.get(i));
            OptionalDouble value = Numbers.parse(text == null ? "" : text);
            if (value.isEmpty()) {
                findings.add(Finding.BAD_OBJECT, text == null ? "%s: no <%s>" : "%s: <%s> is \"%s\", a number was expected", place,
                        CORNERS.get(i).replace("/", "><"), text);
                return Optional.empty();
            }
            corners[i] = value.getAsDouble();
        }
        int category = categories.indexOf(name) + 1;
        if (name.isEmpty()) {
            findings.add(Finding.BAD_OBJECT, "%s: no <name>", place);
        } else if (category == 0) {
            findings.add(Finding.UNKNOWN_CLASS, "%s: \"%s\"", place, name);
        } else {
            return Box.between(corners[0] - 1, corners[1] - 1, corners[2], corners[3], size, place, findings)
                    .map(box -> new Instance(category, box, null, hard && inputs.difficult() == Difficult.CROWD));
        }
        return Optional.empty();
    }

    private void reportLeftOut(Set<String> converted, Findings findings) {
        try (Stream<Path> files = Files.list(images)) {
            files.filter(Pictures::isImage).map(file -> file.getFileName().toString()).filter(name -> !converted.contains(name))
                    .filter(name -> !Files.exists(xml(Pictures.stem(name)))).sorted()
                    .forEach(name -> findings.add(Finding.LEFT_OUT, "%s", images.resolve(name)));
        } catch (IOException e) {
            throw Inputs.unreadable(images, e);
        }
    }
}
