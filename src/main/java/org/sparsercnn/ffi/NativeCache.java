package org.sparsercnn.ffi;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.UserCache;

/**
 * Files of the jar, unpacked where the system's loader can map them, in a folder that belongs to this user alone.
 *
 * <p>What is loaded from here runs with the user's rights, so nothing is taken on trust: the folder must be a real one (no
 * link) of ours with mode 0700, and a file is used only when it is ours and has the hash that the jar names; any other is
 * replaced. A file appears by a rename, so that any number of processes may unpack at once.
 */
final class NativeCache {
    /** Opens a file of the jar by its name. */
    @FunctionalInterface
    interface Source {
        InputStream open(String name) throws IOException;
    }

    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rwx------");

    private final List<Path> bases;
    private final String version;
    private final Map<String, String> sha256;
    private final Source source;
    private final int user;

    /**
     * @param bases   folders to try in turn; each is created where its parent exists
     * @param version the subfolder's name, another one for other contents
     * @param sha256  the hash of every file there is, in hexadecimal
     */
    NativeCache(List<Path> bases, String version, Map<String, String> sha256, Source source) {
        this.bases = bases;
        this.version = version;
        this.sha256 = sha256;
        this.source = source;
        this.user = userOfThisProcess();
    }

    static int userOfThisProcess() {
        try {
            return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        } catch (IOException e) {
            throw new BadInput("/proc/self cannot be read; the native libraries need Linux with /proc mounted", e);
        }
    }

    /** This user's folders: the cache, else a temporary one. */
    static List<Path> basesOfThisUser() {
        int user = userOfThisProcess();
        List<Path> bases = new ArrayList<>();
        UserCache.folder().ifPresent(bases::add);
        bases.add(Path.of(System.getProperty("java.io.tmpdir"), "sparse-rcnn-" + user));
        String runtime = System.getenv("XDG_RUNTIME_DIR");
        if (runtime != null && Path.of(runtime).isAbsolute()) bases.add(Path.of(runtime, "sparse-rcnn"));
        bases.add(Path.of("/var/tmp/sparse-rcnn-" + user));
        return bases;
    }

    /**
     * Unpacks the files, together, into the first base that can hold and run them.
     *
     * @return the folder they are in
     * @throws BadInput where no base will do, with the reason for each
     */
    Path unpack(Collection<String> names) {
        StringBuilder reasons = new StringBuilder();
        for (Path base : bases) {
            try {
                return unpackInto(base, names);
            } catch (IOException e) {
                reasons.append("\n  ").append(base).append(": ").append(AtomicFiles.reason(e));
            }
        }
        throw new BadInput("The native libraries in the jar cannot be unpacked anywhere:" + reasons
                + "\nSet XDG_CACHE_HOME to a folder of yours that can be written and is not mounted noexec.");
    }

    private Path unpackInto(Path base, Collection<String> names) throws IOException {
        Path above = base.getParent();
        if (above.getParent() != null && !Files.exists(above.getParent())) throw new NoSuchFileException(above.getParent().toString());
        if (!Files.isDirectory(above)) Files.createDirectory(above); // ~/.cache, of a home that exists
        own(base);
        Path folder = base.resolve(version);
        own(folder);
        for (String name : names) {
            if (!intact(folder.resolve(name), name)) replace(folder.resolve(name), name);
        }
        return folder;
    }

    /** Makes the folder, or makes sure that it is ours alone. */
    private void own(Path folder) throws IOException {
        try {
            Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
        } catch (FileAlreadyExistsException e) {
            // by an earlier run, a process beside us, or someone else: see below
        }
        var attributes = Files.readAttributes(folder, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        if (!attributes.isDirectory()) throw new IOException(folder.getFileName() + " is not a folder, or a link to one");
        if (!isOurs(folder)) throw new IOException(folder.getFileName() + " belongs to another user");
        if (!attributes.permissions().equals(OWNER_ONLY)) Files.setPosixFilePermissions(folder, OWNER_ONLY);
    }

    private boolean isOurs(Path path) throws IOException {
        return (int) Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS) == user;
    }

    private boolean intact(Path file, String name) throws IOException {
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) || !isOurs(file)) return false;
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file, LinkOption.NOFOLLOW_LINKS);
        if (!OWNER_ONLY.containsAll(permissions) || !Files.isExecutable(file)) return false;
        try (InputStream in = Files.newInputStream(file)) {
            return hash(in).equals(sha256.get(name));
        }
    }

    private void replace(Path file, String name) throws IOException {
        Path part = Files.createTempFile(file.getParent(), name, ".part", PosixFilePermissions.asFileAttribute(OWNER_ONLY));
        try {
            // access(2) denies it for every file of a file system that is mounted noexec.
            if (!Files.isExecutable(part)) throw new IOException("code may not run from there (mounted noexec?)");
            String written;
            try (var in = new DigestInputStream(source.open(name), sha256())) {
                Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
                written = HexFormat.of().formatHex(in.getMessageDigest().digest());
            }
            if (!written.equals(sha256.get(name))) {
                throw BadInput.of("%s in the jar is damaged (SHA-256 %s, wanted %s); fetch or build the jar again", name, written, sha256.get(name));
            }
            Files.setPosixFilePermissions(part, PosixFilePermissions.fromString("r-x------"));
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    static String hash(InputStream in) throws IOException {
        MessageDigest digest = sha256();
        byte[] buffer = new byte[1 << 16];
        for (int n; (n = in.read(buffer)) > 0; ) digest.update(buffer, 0, n);
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
    }
}
