package org.sparsercnn.data.convert;

import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Collectors;
import org.sparsercnn.util.Json;

/**
 * Writes COCO instances as they come, to the letter as Python's {@code json.dump} would: images, annotations, categories, numbered
 * from 1. Images go out at once; annotations wait in a temporary file, as the format wants them behind the last image.
 */
public final class CocoJsonWriter implements Closeable {
    private static final ObjectWriter TEXT = Json.MAPPER.writer().with(JsonWriteFeature.ESCAPE_NON_ASCII)
            .without(JsonWriteFeature.WRITE_HEX_UPPER_CASE);

    private final OutputStream out;
    private final FileChannel waiting;
    private final OutputStream annotations;
    private long images;
    private long objects;

    /**
     * @param out left open
     * @param folder for the temporary file, which is deleted in the end
     */
    public CocoJsonWriter(OutputStream out, Path folder) throws IOException {
        this.out = out;
        Path file = Files.createTempFile(folder, "annotations", ".part");
        waiting = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE);
        annotations = new BufferedOutputStream(Channels.newOutputStream(waiting), 1 << 16);
        write(out, "{\"images\": [");
    }

    public void image(LabelledImage image) throws IOException {
        images++;
        write(out, separator(images) + "{\"file_name\": " + text(image.fileName()) + ", \"id\": " + images + ", \"height\": " + image.size().height()
                + ", \"width\": " + image.size().width() + "}");
        for (LabelledImage.Instance instance : image.instances()) {
            objects++;
            String visible = instance.visible() == null ? "" : "\"bbox_vis\": " + numbers(instance.visible()) + ", ";
            write(annotations, separator(objects) + "{\"id\": " + objects + ", \"category_id\": " + instance.category() + ", \"image_id\": " + images + ", "
                    + visible + "\"bbox\": " + numbers(instance.box().xywh()) + ", \"area\": " + Numbers.text(instance.box().area()) + ", \"iscrowd\": "
                    + (instance.crowd() ? 1 : 0) + "}");
        }
    }

    /** So far. */
    public long images() {
        return images;
    }

    /** So far. */
    public long objects() {
        return objects;
    }

    /** Ends the document. */
    public void finish(List<String> categories) throws IOException {
        annotations.flush();
        write(out, "], \"annotations\": [");
        waiting.position(0);
        Channels.newInputStream(waiting).transferTo(out);
        write(out, "], \"categories\": [");
        for (int k = 0; k < categories.size(); k++) {
            write(out, separator(k + 1) + "{\"id\": " + (k + 1) + ", \"name\": " + text(categories.get(k)) + "}");
        }
        write(out, "]}");
    }

    @Override
    public void close() throws IOException {
        waiting.close();
    }

    private static String separator(long number) {
        return number == 1 ? "" : ", ";
    }

    private static void write(OutputStream to, String text) throws IOException {
        to.write(text.getBytes(StandardCharsets.US_ASCII));
    }

    private static String text(String value) throws IOException {
        return TEXT.writeValueAsString(value);
    }

    private static String numbers(List<Number> values) {
        return values.stream().map(Numbers::text).collect(Collectors.joining(", ", "[", "]"));
    }
}
