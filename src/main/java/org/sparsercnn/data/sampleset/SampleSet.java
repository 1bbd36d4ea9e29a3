package org.sparsercnn.data.sampleset;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.CounterRandom;
import org.sparsercnn.util.Json;

/**
 * The built-in sample set: generated pictures of five shapes in COCO's layout, so that everything can be tried without a
 * download. {@code train/} and {@code val/} hold PNG files, {@code annotations/train.json} and {@code annotations/val.json}
 * their boxes; {@code sample-set.json} says how the set was made. Pixels and boxes depend on size and seed alone and are the
 * same on every machine.
 *
 * @param folder holds the four
 */
public record SampleSet(Path folder) {
    /** Category names; their ids are 1, 2, … in this order. */
    public static final List<String> CATEGORIES =
            Arrays.stream(Shape.values()).map(Shape::category).toList();

    /** Raised whenever the same parameters would give other pictures or boxes. */
    private static final int VERSION = 1;

    /** Lossless all the same: this asks zlib for some speed, as film grain hardly compresses. */
    private static final float PNG_QUALITY = 0.6f;

    private static final String MARKER = "sample-set.json";
    private static final Set<String> ENTRIES = Set.of("train", "val", "annotations", MARKER);

    public Path trainImages() {
        return folder.resolve("train");
    }

    public Path trainJson() {
        return folder.resolve("annotations").resolve("train.json");
    }

    public Path valImages() {
        return folder.resolve("val");
    }

    public Path valJson() {
        return folder.resolve("annotations").resolve("val.json");
    }

    /**
     * Makes the set in {@code folder}, or leaves it if the same set is there already, whole. The folder appears complete or
     * not at all; another sample set in it is replaced, a folder with anything else in it is refused.
     *
     * @param size side of the square pictures, 64 pixels or more
     * @param seed of the training pictures; the validation pictures' seed is derived from it
     * @throws BadInput if the folder cannot be used or written
     */
    public static SampleSet write(Path folder, int trainImages, int valImages, int size, long seed) {
        if (trainImages < 1 || valImages < 1 || size < 64) {
            throw BadInput.of(
                    "sample set: wanted at least 1 training and 1 validation picture of 64 pixels or more, found %d, %d, %d",
                    trainImages, valImages, size);
        }
        SampleSet set = new SampleSet(folder.toAbsolutePath().normalize());
        Map<String, Object> parameters = new LinkedHashMap<>();
        parameters.put("generator", "sparse-rcnn sample set");
        parameters.put("version", VERSION);
        parameters.put("size", size);
        parameters.put("train_images", trainImages);
        parameters.put("val_images", valImages);
        parameters.put("train_seed", seed);
        parameters.put("val_seed", CounterRandom.mix(seed + 1));
        try {
            if (!set.isThere(parameters)) {
                set.make(parameters);
            }
        } catch (IOException e) {
            throw new BadInput(
                    set.folder + ": the sample set cannot be written: " + AtomicFiles.reason(e)
                            + "; free some space or choose another folder",
                    e);
        }
        return set;
    }

    private boolean isThere(Map<String, Object> parameters) throws IOException {
        Path marker = folder.resolve(MARKER);
        if (!Files.isRegularFile(marker)) {
            return false;
        }
        JsonNode wanted = Json.MAPPER.valueToTree(parameters);
        JsonNode found;
        try {
            found = Json.MAPPER.readTree(marker.toFile());
        } catch (JsonProcessingException e) {
            return false;
        }
        return found.toString().equals(wanted.toString()) // as text: an int and an equal long are different nodes
                && Files.isRegularFile(trainJson())
                && Files.isRegularFile(valJson())
                && files(trainImages()) == wanted.get("train_images").asLong()
                && files(valImages()) == wanted.get("val_images").asLong();
    }

    private void make(Map<String, Object> parameters) throws IOException {
        refuseForeignFiles();
        SampleSet part = new SampleSet(sibling("part"));
        delete(part.folder);
        try {
            int size = (int) parameters.get("size");
            int train = (int) parameters.get("train_images");
            int val = (int) parameters.get("val_images");
            writeSplit(part.trainImages(), part.trainJson(), train, size, (long) parameters.get("train_seed"));
            writeSplit(part.valImages(), part.valJson(), val, size, (long) parameters.get("val_seed"));
            Json.write(part.folder.resolve(MARKER), parameters);
            Path old = sibling("old");
            if (Files.exists(folder)) {
                Files.move(folder, old, StandardCopyOption.ATOMIC_MOVE);
            }
            try {
                Files.move(part.folder, folder, StandardCopyOption.ATOMIC_MOVE);
            } catch (IOException e) {
                if (!isThere(parameters)) { // otherwise another process made the same set meanwhile
                    throw e;
                }
            }
            delete(old);
        } finally {
            delete(part.folder);
        }
    }

    private void refuseForeignFiles() throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        List<String> found;
        try (Stream<Path> entries = Files.list(folder)) {
            found = entries.map(p -> p.getFileName().toString()).sorted().toList();
        } catch (NotDirectoryException e) {
            throw new BadInput(folder + ": is a file; the sample set wants a folder of its own", e);
        }
        if (!found.isEmpty() && !(found.contains(MARKER) && ENTRIES.containsAll(found))) {
            String foreign = found.stream().filter(f -> !ENTRIES.contains(f)).findFirst().orElse(found.getFirst());
            throw new BadInput(folder + ": holds something that is no sample set (" + foreign
                    + "); it is left alone, name a new or an empty folder");
        }
    }

    private Path sibling(String kind) {
        return folder.resolveSibling(folder.getFileName() + "." + kind + "-" + ProcessHandle.current().pid());
    }

    // COCO's JSON; the components' order is the order in the file.
    private record Info(String description, int version) {}

    private record ImageEntry(int id, String file_name, int width, int height) {}

    private record Annotation(int id, int image_id, int category_id, double[] bbox, double area, int iscrowd) {}

    private record Category(int id, String name, String supercategory) {}

    private record Coco(Info info, List<ImageEntry> images, List<Annotation> annotations, List<Category> categories) {}

    private static void writeSplit(Path images, Path json, int count, int size, long seed) throws IOException {
        Files.createDirectories(images);
        List<ImageEntry> imageEntries = new ArrayList<>();
        List<Annotation> annotations = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Scene scene = Scene.draw(size, seed, i);
            ImageEntry image = new ImageEntry(i + 1, "%06d.png".formatted(i + 1), size, size);
            writePng(images.resolve(image.file_name), scene);
            imageEntries.add(image);
            for (Layout.Placed object : scene.objects()) {
                annotations.add(annotation(annotations.size() + 1, image.id, object));
            }
        }
        List<Category> categories = Arrays.stream(Shape.values())
                .map(shape -> new Category(categoryId(shape), shape.category(), "shape"))
                .toList();
        Json.write(json, new Coco(new Info("sparse-rcnn sample set", VERSION), imageEntries, annotations, categories));
    }

    private static int categoryId(Shape shape) {
        return shape.ordinal() + 1;
    }

    /** The box is that of the whole object; its area stands in for the mask's, as there are no masks. */
    private static Annotation annotation(int id, int imageId, Layout.Placed object) {
        double x = hundredths(object.outline().left());
        double y = hundredths(object.outline().top());
        double w = hundredths(object.outline().right() - x);
        double h = hundredths(object.outline().bottom() - y);
        return new Annotation(id, imageId, categoryId(object.shape()), new double[] {x, y, w, h}, hundredths(w * h), 0);
    }

    private static double hundredths(double value) {
        return Math.round(value * 100) / 100.0;
    }

    private static void writePng(Path file, Scene scene) throws IOException {
        BufferedImage picture = new BufferedImage(scene.size(), scene.size(), BufferedImage.TYPE_3BYTE_BGR);
        byte[] bgr = ((DataBufferByte) picture.getRaster().getDataBuffer()).getData();
        for (int i = 0; i < bgr.length; i += 3) {
            bgr[i] = scene.rgb()[i + 2];
            bgr[i + 1] = scene.rgb()[i + 1];
            bgr[i + 2] = scene.rgb()[i];
        }
        ImageWriter writer = ImageIO.getImageWritersByFormatName("png").next();
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16);
                MemoryCacheImageOutputStream stream = new MemoryCacheImageOutputStream(out)) {
            writer.setOutput(stream);
            ImageWriteParam param = writer.getDefaultWriteParam();
            param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
            param.setCompressionQuality(PNG_QUALITY);
            writer.write(null, new IIOImage(picture, null, null), param);
        } finally {
            writer.dispose();
        }
    }

    private static long files(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return 0;
        }
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.count();
        }
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, IOException e) throws IOException {
                Files.delete(visited);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
