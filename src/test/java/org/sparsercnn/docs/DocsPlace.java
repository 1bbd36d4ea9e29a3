package org.sparsercnn.docs;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.sparsercnn.data.sampleset.SampleSet;
import org.sparsercnn.util.Json;

/** A folder with what the pages' commands name: the jar, configs, pictures, data sets, weights and finished runs; and a shell there. */
final class DocsPlace {
    private static final long PATIENCE_SECONDS = 120;
    /** As many as the pages' own data set and the blood cells have. */
    private static final int CLASSES = 3;
    private static final Pattern SERVING = Pattern.compile("Serving http://127\\.0\\.0\\.1:(\\d+)");

    private final Path folder;
    private Process server;
    private Path serversPage;
    private String port;

    record Ended(int code, String output) {}

    private DocsPlace(Path folder) {
        this.folder = folder;
    }

    static DocsPlace in(Path folder) throws IOException {
        DocsPlace place = new DocsPlace(folder.toRealPath());
        Path jar = Path.of(System.getProperty("sparsercnn.jar"));
        place.link("target/sparse-rcnn.jar", jar);
        place.link("target/benchmarks.jar", jar.resolveSibling("benchmarks.jar"));
        place.link("configs", Path.of("configs"));
        place.link("benchmarks", Path.of("benchmarks"));
        Files.createDirectories(place.folder.resolve("docs"));
        place.pictures();
        place.labels();
        place.runs();
        return place;
    }

    /** PNG files, which the annotations name, and where a page or a format names JPEG files the same under such names. */
    private void pictures() throws IOException {
        SampleSet set = SampleSet.write(folder.resolve("sample"), 4, 4, 64, 1);
        for (String name : List.of("photos", "photos/a", "photos/b", "photos/val", "frames", "val", "moved/val", "sets/photos", "helmets/images/train",
                "datasets/blood_cells/JPEGImages", "datasets/coco/train2017", "datasets/coco/val2017")) {
            copyTo(name, set, "png");
        }
        for (String name : List.of("photos", "crowdhuman/Images", "VOCdevkit/VOC2007/JPEGImages")) copyTo(name, set, "jpg");
        for (String name : List.of("a.jpg", "b.jpg", "photo.jpg", "photos/street.jpg")) Files.copy(folder.resolve("photos/000001.png"), folder.resolve(name));
    }

    private void copyTo(String name, SampleSet set, String ending) throws IOException {
        Files.createDirectories(folder.resolve(name));
        try (Stream<Path> files = Files.list(set.trainImages())) {
            for (Path file : files.toList()) Files.copy(file, folder.resolve(name).resolve(file.getFileName().toString().replace("png", ending)));
        }
    }

    private void labels() throws IOException {
        ObjectNode labels = Json.read(new SampleSet(folder.resolve("sample")).trainJson(), ObjectNode.class);
        keep(labels, "annotations", "category_id");
        keep(labels, "categories", "id");
        for (String name : List.of("sets/train.json", "sets/val.json", "a.json", "b.json", "val.json", "moved/val.json", "few.json", "instances.json",
                "datasets/blood_cells/annotations/instances_train.json", "datasets/blood_cells/annotations/instances_val.json")) {
            json(name, labels);
        }
        ArrayNode categories = labels.withArray("categories");
        for (int id = CLASSES + 1; id <= 80; id++) categories.addObject().put("id", id).put("name", "class " + id);
        for (String name : List.of("datasets/coco/annotations/instances_train2017.json", "datasets/coco/annotations/instances_val2017.json",
                "instances_val2017.json")) {
            json(name, labels);
        }
        for (String name : List.of("coco_instances_results.json", "results.json")) {
            text(name, "[{\"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 1, 20, 20], \"score\": 0.5}]");
        }
        text("VOCdevkit/VOC2007/ImageSets/Main/trainval.txt", "000001\n");
        text("VOCdevkit/VOC2007/Annotations/000001.xml", "<annotation><filename>000001.jpg</filename><size><width>64</width><height>64</height></size>"
                + "<object><name>dog</name><bndbox><xmin>3</xmin><ymin>3</ymin><xmax>30</xmax><ymax>30</ymax></bndbox></object></annotation>");
        text("crowdhuman/annotation_train.odgt", "{\"ID\": \"000001\", \"gtboxes\": [{\"tag\": \"person\", \"fbox\": [3, 3, 30, 30], "
                + "\"vbox\": [3, 3, 30, 30], \"hbox\": [5, 5, 8, 8], \"extra\": {}}]}\n");
        text("helmets/data.yaml", "path: .\ntrain: images/train\nval: images/train\nnc: 1\nnames: [helmet]\n");
        text("helmets/labels/train/000001.txt", "0 0.5 0.5 0.25 0.25\n");
    }

    /** Weights under the names of published files, a finished run, and a step that diverged. */
    private void runs() {
        String train = "java -jar target/sparse-rcnn.jar train --config-file configs/sparsercnn.res50.100pro.3x.yaml";
        prepare(train + " OUTPUT_DIR made");
        must("cp -r made other");
        for (String name : List.of("r50_100pro_3x_model.pth", "model_final.pth")) {
            must("java -jar target/sparse-rcnn.jar convert made/model_final.safetensors " + name);
        }
        Ended diverged = prepared(train + " OUTPUT_DIR wild", "SOLVER.MAX_ITER 9 SOLVER.BASE_LR 1e30 SOLVER.NONFINITE_STEPS 1 SOLVER.CLIP_GRADIENTS.ENABLED False");
        if (diverged.code() != 3) throw new AssertionError("a run that should diverge: " + diverged);
        must("mkdir -p output && cp wild/nonfinite_*.safetensors output/nonfinite_0000123.safetensors");
    }

    private void prepare(String command) {
        Ended ended = prepared(command, "");
        if (ended.code() != 0) throw new AssertionError(command + ": " + ended);
    }

    private Ended prepared(String command, String more) {
        return shell(((CommandRules.Fate.Run) CommandRules.read().of(command)).shell() + " " + more);
    }

    private void must(String shell) {
        Ended ended = shell(shell);
        if (ended.code() != 0) throw new AssertionError(shell + ": " + ended);
    }

    /** Runs a command of a page; a server stays until a command of another page. */
    Ended run(Path page, String shell) {
        if (!page.equals(serversPage)) stopServer();
        if (shell.contains("sparse-rcnn.jar serve ")) return serve(page, shell);
        return shell(port == null ? shell : shell.replaceAll("(127\\.0\\.0\\.1|localhost):\\d+", "127.0.0.1:" + port));
    }

    private Ended serve(Path page, String shell) {
        stopServer();
        Path output = folder.resolve("server.txt");
        try {
            server = start("exec " + shell, output);
            serversPage = page;
            for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS); System.nanoTime() < end && server.isAlive(); Thread.sleep(50)) {
                Matcher ready = SERVING.matcher(Files.readString(output));
                if (ready.find()) {
                    port = ready.group(1);
                    return new Ended(0, "");
                }
            }
            return new Ended(server.isAlive() ? -1 : server.exitValue(), "no line 'Serving http://127.0.0.1:PORT/':\n" + Files.readString(output));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    void stopServer() {
        if (server != null) server.destroy();
        server = null;
        serversPage = null;
        port = null;
    }

    private Ended shell(String shell) {
        try {
            Path output = Files.createTempFile(folder, "output", ".txt");
            Process process = start(shell, output);
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
                return new Ended(-1, "no end after " + PATIENCE_SECONDS + " s:\n" + Files.readString(output));
            }
            return new Ended(process.exitValue(), Files.readString(output));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private Process start(String shell, Path output) throws IOException {
        ProcessBuilder builder = new ProcessBuilder("bash", "-c", shell).directory(folder.toFile()).redirectErrorStream(true).redirectOutput(output.toFile());
        var environment = builder.environment();
        environment.keySet().removeAll(List.of("JAVA_TOOL_OPTIONS", "DETECTRON2_DATASETS", "FVCORE_CACHE"));
        environment.put("PATH", Path.of(System.getProperty("java.home"), "bin") + File.pathSeparator + environment.get("PATH"));
        environment.put("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1"); // commands are short: starting is most of them
        return builder.start();
    }

    private void link(String name, Path target) throws IOException {
        Files.createDirectories(folder.resolve(name).getParent());
        Files.createSymbolicLink(folder.resolve(name), target.toAbsolutePath());
    }

    /** Leaves out what is of other classes than the first. */
    private static void keep(ObjectNode labels, String list, String key) {
        ArrayNode kept = labels.arrayNode();
        labels.get(list).valueStream().filter(entry -> entry.get(key).asInt() <= CLASSES).forEach(kept::add);
        labels.set(list, kept);
    }

    private void json(String name, ObjectNode json) throws IOException {
        Files.createDirectories(folder.resolve(name).getParent());
        Json.write(folder.resolve(name), json);
    }

    private void text(String name, String text) throws IOException {
        Files.createDirectories(folder.resolve(name).getParent());
        Files.writeString(folder.resolve(name), text);
    }
}
