package org.sparsercnn.ffi.jcuda;

import java.lang.invoke.MethodHandles;
import java.nio.file.Path;
import java.util.Optional;
import org.sparsercnn.ffi.NativeLibraries;
import org.sparsercnn.util.BadInput;

/**
 * Loads JCuda's native libraries from our own cache. Left alone, JCuda unpacks them under a fixed name into the folder for temporary
 * files, which all users share, and loads whatever lies there under that name.
 */
final class JCudaNatives {
    private static final String TEMPORARY = "java.io.tmpdir";
    /** As JCuda names the files: libJCudaDriver-12.6.0-linux-x86_64.so. */
    private static final String VERSION = "12.6.0";

    private JCudaNatives() {}

    /**
     * Runs the initialiser of a class of JCuda with its library at hand.
     *
     * @param library "JCudaDriver" or "JCublas2"
     * @throws BadInput where this build lacks the library, or the loader refuses it
     */
    static synchronized void initialize(Class<?> type, String library) {
        String name = "lib" + library + "-" + VERSION + "-linux-x86_64.so";
        Optional<Path> file = NativeLibraries.find(name);
        if (file.isEmpty()) throw BadInput.of("This build has no %s, so JCuda cannot be used: leave out -Dsparsercnn.cuda.binding", name);
        String temporary = System.getProperty(TEMPORARY);
        System.setProperty(TEMPORARY, file.get().getParent().toString()); // there JCuda finds it unpacked
        try {
            MethodHandles.lookup().ensureInitialized(type);
        } catch (LinkageError e) { // the second attempt gives NoClassDefFoundError
            throw new BadInput("JCuda's " + name + " cannot be loaded: " + reason(e), e);
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        } finally {
            System.setProperty(TEMPORARY, temporary);
        }
    }

    /** The loader's words stand amid the stack traces that JCuda makes its message of, or that of the first attempt's. */
    private static String reason(LinkageError e) {
        String reason = e.toString();
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            var words = cause.toString().lines().filter(line -> line.contains("UnsatisfiedLinkError: /")).reduce((first, last) -> last);
            if (words.isPresent()) reason = words.get().substring(words.get().indexOf("UnsatisfiedLinkError: /") + 22);
        }
        return reason;
    }
}
