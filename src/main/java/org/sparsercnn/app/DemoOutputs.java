package org.sparsercnn.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/** Where {@code demo} puts each drawn picture: no two to the same place, none over an input. */
final class DemoOutputs {
    private static final Pattern WRITABLE = Pattern.compile(".*\\.(jpe?g|png)", Pattern.CASE_INSENSITIVE);

    private DemoOutputs() {}

    /**
     * A place for every file: {@code output} itself where it is named like a picture and there is one file; else in that
     * folder, which is made, under the file's name, {@code name-2.jpg} where a file of another folder took it.
     *
     * @throws BadInput if the folder cannot be made or written, or a drawn picture would replace an input
     */
    static Map<Path, Path> places(List<Path> files, Path output) {
        boolean picture = output.getFileName() != null && isWritable(output) && !Files.isDirectory(output);
        if (picture && files.size() > 1) {
            throw BadInput.of("--output %s: one file for %d pictures; name a folder", output, files.size());
        }
        makeFolder(picture ? output.toAbsolutePath().getParent() : output, "--output");
        Map<Path, Path> places = new HashMap<>();
        Set<String> taken = new HashSet<>();
        for (Path file : files) {
            Path place = picture ? output : output.resolve(free(file.getFileName().toString(), taken));
            refuseInput(place, files);
            places.put(file, place);
        }
        return places;
    }

    private static boolean isWritable(Path file) {
        return WRITABLE.matcher(file.getFileName().toString()).matches();
    }

    static void makeFolder(Path folder, String option) {
        try {
            Files.createDirectories(folder);
            Files.delete(Files.createTempFile(folder, "writable", null));
        } catch (IOException e) {
            throw new BadInput(option + " " + folder + ": " + (Files.isRegularFile(folder) ? "it is a file, and no .jpg or .png"
                    : "cannot be written: " + AtomicFiles.reason(e)) + "; name another folder", e);
        }
    }

    static String free(String name, Set<String> taken) {
        String written = WRITABLE.matcher(name).matches() ? name : name + ".png";
        int dot = written.lastIndexOf('.');
        String candidate = written;
        for (int n = 2; !taken.add(candidate.toLowerCase(Locale.ROOT)); n++) { // some file systems know no case
            candidate = written.substring(0, dot) + "-" + n + written.substring(dot);
        }
        return candidate;
    }

    private static void refuseInput(Path place, List<Path> files) {
        try {
            if (Files.exists(place)) {
                for (Path file : files) {
                    if (Files.exists(file) && Files.isSameFile(place, file)) {
                        throw new BadInput("--output: " + place + " is an input, it would be lost; name another folder");
                    }
                }
            }
        } catch (IOException e) {
            throw new BadInput("--output " + place + ": " + AtomicFiles.reason(e), e);
        }
    }
}
