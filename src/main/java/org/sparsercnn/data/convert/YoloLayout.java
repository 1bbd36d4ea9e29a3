package org.sparsercnn.data.convert;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.sparsercnn.util.BadInput;

/**
 * Where a YOLO data set keeps what: {@code images/} beside {@code labels/}, split by folders below or above them, by lists or by data.yaml,
 * or label files beside their images.
 *
 * @param images in the order they are converted
 * @param imageFolder holds all of them
 * @param roots the folders that were searched; none where lists named the images
 * @param labels the folder named for label files, laid out as the image folder
 * @param names of the classes by index
 * @param splits that can be asked for
 * @param poseValues numbers behind the box in a row, see {@link YoloYaml#poseValues}
 */
record YoloLayout(List<Path> images, Path imageFolder, List<Path> roots, Optional<Path> labels, List<String> names, List<String> splits,
        int poseValues) {
    /** @throws BadInput if there are no images or no class names, or if it must be said which split is meant */
    static YoloLayout of(Inputs inputs) {
        Optional<YoloYaml> yaml = YoloYaml.find(inputs);
        List<Path> places = inputs.images().map(List::of).orElseGet(() -> places(inputs, yaml));
        boolean lists = !places.stream().allMatch(Files::isDirectory);
        List<Path> images = new ArrayList<>();
        List<Path> roots = new ArrayList<>();
        for (Path place : places) {
            if (Files.isDirectory(place)) {
                Path root = lists ? place.toAbsolutePath().normalize() : place; // as the images of lists are
                roots.add(root);
                images.addAll(files(root).filter(Pictures::isImage).toList());
            } else {
                images.addAll(listed(place, inputs.folder()));
            }
        }
        if (images.isEmpty()) {
            throw new BadInput("no images in " + String.join(", ", places.stream().map(Path::toString).toList()));
        }
        Path folder = common(lists ? images.stream().map(Path::getParent).toList() : roots);
        List<String> splits = yaml.map(YoloYaml::splits).filter(known -> !known.isEmpty()).orElseGet(() -> Stream.of("train", "val", "valid", "test")
                .filter(split -> found(inputs, split).isPresent()).toList());
        return new YoloLayout(images, folder, roots, inputs.labels(), names(inputs, yaml), splits, yaml.map(YoloYaml::poseValues).orElse(0));
    }

    private static List<Path> places(Inputs inputs, Optional<YoloYaml> yaml) {
        List<String> known = yaml.map(YoloYaml::splits).orElse(List.of());
        if (inputs.splits().isEmpty() && known.size() > 1) {
            throw BadInput.of("%s has the splits %s; choose with --split train", yaml.get().file(), String.join(", ", known));
        }
        List<String> splits = inputs.splits().isEmpty() ? known : inputs.splits();
        if (splits.isEmpty()) {
            return List.of(Stream.of("images", "").map(inputs.folder()::resolve).filter(Files::isDirectory).findFirst().orElseThrow());
        }
        return splits.stream().flatMap(split -> {
            List<Path> places = yaml.map(y -> y.places(split)).orElse(List.of());
            return places.isEmpty() ? Stream.of(place(inputs, split)) : places.stream();
        }).toList();
    }

    private static Optional<Path> found(Inputs inputs, String split) {
        return Stream.of("images/" + split, split + "/images").map(inputs.folder()::resolve).filter(Files::isDirectory).findFirst()
                .or(() -> Stream.of(inputs.folder().resolve(split + ".txt"), Path.of(split)).filter(Files::isRegularFile).findFirst());
    }

    private static Path place(Inputs inputs, String split) {
        return found(inputs, split).orElseThrow(() -> BadInput.of("--split %s: %s has no such split; looked for images/%s, %s/images and %s.txt", split, inputs.folder(),
                        split, split, split));
    }

    /** A line is a path as seen from the list or from the data set's folder; darknet's begin with {@code data/}. */
    private static List<Path> listed(Path list, Path folder) {
        Path beside = list.getParent() == null ? Path.of("") : list.getParent();
        return Inputs.lines(list).stream().filter(line -> !line.isEmpty()).map(line -> Stream.of(beside.resolve(line), folder.resolve(line),
                beside.resolve(line.replaceFirst("^data/", ""))).map(Path::normalize).filter(Files::exists).findFirst().orElse(beside.resolve(line)).toAbsolutePath().normalize())
                .toList();
    }

    private static List<String> names(Inputs inputs, Optional<YoloYaml> yaml) {
        if (!inputs.classes().isEmpty()) {
            return inputs.classes();
        }
        List<String> ofYaml = yaml.map(YoloYaml::names).orElse(List.of());
        if (!ofYaml.isEmpty()) {
            return inputs.withClasses(ofYaml).classes();
        }
        Path file = Stream.of("classes.txt", "obj.names", "labels/classes.txt", "data/obj.names").map(inputs.folder()::resolve)
                .filter(Files::isRegularFile).findFirst().orElseThrow(() -> BadInput.of("%s: no class names; looked for names in data.yaml, and for"
                        + " classes.txt and obj.names; give them with --classes a,b,c", inputs.folder()));
        return inputs.withClasses(Inputs.lines(file).stream().filter(line -> !line.isEmpty()).toList()).classes();
    }

    /** All files below a folder, sorted. */
    static Stream<Path> files(Path folder) {
        try (Stream<Path> walk = Files.walk(folder, FileVisitOption.FOLLOW_LINKS)) {
            return walk.filter(Files::isRegularFile).sorted().toList().stream();
        } catch (IOException e) {
            throw Inputs.unreadable(folder, e);
        } catch (UncheckedIOException e) {
            throw Inputs.unreadable(folder, e.getCause());
        }
    }

    /** The deepest folder that holds all of these. */
    private static Path common(List<Path> folders) {
        Path common = folders.getFirst();
        for (Path folder : folders) {
            while (common != null && !folder.startsWith(common)) {
                common = common.getParent();
            }
        }
        return common == null ? Path.of("") : common;
    }

    /** The label file of an image, which need not exist. */
    Path labelOf(Path image) {
        String text = Pictures.stem(image.getFileName().toString()) + ".txt";
        if (labels.isPresent()) {
            return labels.get().resolve(imageFolder.relativize(image).resolveSibling(text));
        }
        Path apart = labelFolder(image.getParent()).resolve(text);
        Path beside = image.resolveSibling(text);
        return Files.exists(apart) || !Files.exists(beside) ? apart : beside;
    }

    /** The folder with {@code labels} for the last {@code images} in its path; the same one without. */
    Path labelFolder(Path folder) {
        for (int i = folder.getNameCount() - 1; i >= 0; i--) {
            if (folder.getName(i).toString().equals("images")) {
                Path labelled = (i == 0 ? Path.of("labels") : folder.subpath(0, i).resolve("labels"));
                Path below = i + 1 < folder.getNameCount() ? labelled.resolve(folder.subpath(i + 1, folder.getNameCount())) : labelled;
                return folder.isAbsolute() ? folder.getRoot().resolve(below) : below;
            }
        }
        return folder;
    }
}
