package org.sparsercnn.data;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;

/**
 * Writes made-up annotation files as COCO's own look, the same for the same seed: keys in COCO's order, outlines of some 27
 * points, a crowd in a hundred. With 118,000 images and 860,000 boxes a file is as large as instances_train2017.json, 0.45 GB. For
 * tests and benchmarks.
 */
public final class SampleAnnotations implements AutoCloseable {
    private static final int WIDTH = 640;
    private static final int HEIGHT = 480;
    private static final int CLASSES = 80;
    private static final int CHUNK = 1 << 16;

    private final OutputStream out;
    private final StringBuilder text = new StringBuilder(2 * CHUNK);
    private final SplittableRandom random;

    private SampleAnnotations(Path file, long seed) throws IOException {
        out = new BufferedOutputStream(Files.newOutputStream(file));
        random = new SplittableRandom(seed);
    }

    /** Image ids 1 … {@code images}; each box belongs to one of them by chance. */
    public static void write(Path file, int images, int boxes, long seed) throws IOException {
        try (SampleAnnotations sample = new SampleAnnotations(file, seed)) {
            sample.document(images, boxes);
        }
    }

    private void document(int images, int boxes) throws IOException {
        text.append("{\"info\": {\"description\": \"made up\"},\"licenses\": [],\"images\": [");
        for (int id = 1; id <= images; id++) {
            String name = "000000000000".substring(Math.min(12, Integer.toString(id).length())) + id + ".jpg";
            text.append(id == 1 ? "" : ",").append("{\"license\": 3,\"file_name\": \"").append(name)
                    .append("\",\"coco_url\": \"http://images.example.org/train2017/").append(name).append("\",\"height\": ").append(HEIGHT)
                    .append(",\"width\": ").append(WIDTH).append(",\"date_captured\": \"2013-11-14 11:18:45\",\"flickr_url\":")
                    .append(" \"http://farm9.example.org/8186/8119368305_4e622c8349_z.jpg\",\"id\": ").append(id).append('}');
            flush(CHUNK);
        }
        text.append("],\"annotations\": [");
        for (int id = 1; id <= boxes; id++) {
            text.append(id == 1 ? "" : ",");
            annotation(id, 1 + random.nextInt(images));
            flush(CHUNK);
        }
        text.append("],\"categories\": [");
        for (int id = 1; id <= CLASSES; id++) {
            text.append(id == 1 ? "" : ",").append("{\"supercategory\": \"thing\",\"id\": ").append(id).append(",\"name\": \"class ").append(id).append("\"}");
        }
        text.append("]}\n");
        flush(0);
    }

    private void annotation(int id, int image) {
        int width = 800 + random.nextInt(30_000); // hundredths of a pixel
        int height = 800 + random.nextInt(20_000);
        int x = random.nextInt(100 * WIDTH - width);
        int y = random.nextInt(100 * HEIGHT - height);
        boolean crowd = random.nextInt(100) == 0;
        text.append("{\"segmentation\": ").append(crowd ? "{\"counts\": [" : "[[");
        for (int point = 0, points = 6 + random.nextInt(43); point < points; point++) {
            text.append(point == 0 ? "" : ",");
            if (crowd) {
                text.append(random.nextInt(2000));
            } else {
                hundredths(x + random.nextInt(width));
                text.append(',');
                hundredths(y + random.nextInt(height));
            }
        }
        text.append(crowd ? "],\"size\": [480,640]}" : "]]").append(",\"area\": ").append(width * 0.7e-2 * (height * 1e-2)).append(",\"iscrowd\": ")
                .append(crowd ? 1 : 0).append(",\"image_id\": ").append(image).append(",\"bbox\": [");
        hundredths(x);
        text.append(',');
        hundredths(y);
        text.append(',');
        hundredths(width);
        text.append(',');
        hundredths(height);
        text.append("],\"category_id\": ").append(1 + random.nextInt(CLASSES)).append(",\"id\": ").append(id).append('}');
    }

    private void hundredths(int value) {
        text.append(value / 100).append('.').append((char) ('0' + value / 10 % 10)).append((char) ('0' + value % 10));
    }

    private void flush(int limit) throws IOException {
        if (text.length() > limit) {
            out.write(text.toString().getBytes(StandardCharsets.ISO_8859_1));
            text.setLength(0);
        }
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
