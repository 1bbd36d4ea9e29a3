package org.sparsercnn.app;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparsercnn.ffi.cuda.CudaDrivers;
import org.sparsercnn.util.BadInput;

/**
 * {@code selftest}: the tests' specs and recorded numbers against a device. They are not in the program's jar but in one beside it,
 * which is loaded with the program once more: specs reach into the packages they test.
 */
public final class SelfTests {
    private static final String MAIN_CLASS = "org.sparsercnn.selftest.SelfTest";
    private static final String JAR = "sparse-rcnn-selftest.jar";

    /**
     * @param device cpu, cuda, cuda:N or auto
     * @param binding of the CUDA driver: panama, jcuda
     * @param only regular expression that is found in the titles of the checks to run
     * @param timeLimitSeconds no check begins after it
     * @param json report for machines
     */
    public record Options(String device, Optional<String> binding, Optional<String> only, double timeLimitSeconds, Optional<Path> json) {}

    private SelfTests() {}

    /** @return exit code: 0, 1 a defect, 2 no such device, 3 the time limit came first */
    public static int run(Options options) {
        options.binding.ifPresent(b -> System.setProperty(CudaDrivers.BINDING_PROPERTY, b));
        try {
            return call(Class.forName(MAIN_CLASS), options); // from folders of classes
        } catch (ClassNotFoundException e) {
            return runJar(options);
        }
    }

    private static int runJar(Options options) {
        Path jar = jar();
        if (!Files.isRegularFile(jar)) {
            throw BadInput.of("selftest needs %s, which is not there. The portable distribution has it, and mvn package makes it.", jar);
        }
        ClassLoader before = Thread.currentThread().getContextClassLoader();
        try (URLClassLoader loader = new URLClassLoader(urls(jar), ClassLoader.getPlatformClassLoader())) {
            Thread.currentThread().setContextClassLoader(loader);
            return call(loader.loadClass(MAIN_CLASS), options);
        } catch (ClassNotFoundException e) {
            throw BadInput.of("%s has no %s; it must be of the same version as this program", jar, MAIN_CLASS);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            Thread.currentThread().setContextClassLoader(before);
        }
    }

    private static Path jar() {
        try {
            return Path.of(SelfTests.class.getProtectionDomain().getCodeSource().getLocation().toURI()).resolveSibling(JAR);
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    /** Everything this program was started from, and the jar. */
    private static URL[] urls(Path jar) throws IOException {
        List<URL> urls = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            urls.add(Path.of(entry).toUri().toURL());
        }
        urls.add(jar.toUri().toURL());
        return urls.toArray(URL[]::new);
    }

    private static int call(Class<?> suite, Options o) {
        try {
            return (int) suite.getMethod("run", String.class, String.class, double.class, Path.class)
                    .invoke(null, o.device, o.only.orElse(null), o.timeLimitSeconds, o.json.orElse(null));
        } catch (InvocationTargetException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }
}
