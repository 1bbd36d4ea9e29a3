package org.sparsercnn.data.convert;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.imageio.ImageIO;

/** A folder that a test fills with small pictures and label files. */
record LabelFolder(Path root) {
    /** What a source handed over, and what it found wrong. */
    record Read(LabelSource source, List<LabelledImage> images, Findings findings) {
        LabelledImage image(String name) {
            return images.stream().filter(image -> image.fileName().equals(name)).findFirst().orElseThrow();
        }

        List<String> names() {
            return images.stream().map(LabelledImage::fileName).toList();
        }

        String bad() {
            return findings.report(true);
        }

        String harmless() {
            return findings.report(false);
        }
    }

    Path picture(String name, int width, int height) {
        try {
            Path file = root.resolve(name);
            Files.createDirectories(file.getParent());
            ImageIO.write(new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB), name.substring(name.lastIndexOf('.') + 1), file.toFile());
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Path text(String name, String... lines) {
        try {
            Path file = root.resolve(name);
            Files.createDirectories(file.getParent());
            return Files.writeString(file, String.join("\n", lines) + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Inputs inputs(String... splits) {
        return new Inputs(root, Optional.empty(), Optional.empty(), List.of(splits), List.of(), Difficult.CROWD);
    }

    static Read read(DatasetFormat format, Inputs inputs) {
        LabelSource source = format.open(inputs);
        List<LabelledImage> images = new ArrayList<>();
        Findings findings = new Findings();
        long[] steps = {0};
        source.read(findings, new LabelSource.Sink() {
            @Override
            public void step() {
                steps[0]++;
            }

            @Override
            public void image(LabelledImage image) {
                images.add(image);
            }
        });
        if (steps[0] != source.steps()) {
            throw new AssertionError(steps[0] + " steps, announced were " + source.steps());
        }
        return new Read(source, images, findings);
    }
}
