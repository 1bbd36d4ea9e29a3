package org.sparsercnn.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.sparsercnn.ffi.TurboJpegWriter.Sampling;

class TurboJpegTest {
    private static final int SIDE = 200;

    @BeforeEach
    void needsTheLibrary() {
        assumeTrue(TurboJpeg.find(TurboJpeg.LIBRARY).isPresent(), "libturbojpeg is not installed");
    }

    private static byte[] jpeg(int width, int height) {
        byte[] rgb = new byte[width * height * 3];
        new Random(1).nextBytes(rgb);
        return TurboJpegWriter.write(rgb, width, height, Sampling.S420, 80, false);
    }

    @Test
    void whatIsNotThereOrNotThatLibraryIsNotFound() {
        assertThat(TurboJpeg.find("off")).isEmpty();
        assertThat(TurboJpeg.find("libno-such-library.so.7")).isEmpty();
        assertThat(TurboJpeg.find("/no/such/file.so")).isEmpty();
        assertThat(TurboJpeg.find("libc.so.6")).as("a library without those functions").isEmpty();
        assertThat(TurboJpeg.file()).asString().contains("libturbojpeg");
    }

    @Test
    void anotherSizeThanTheFilesIsRefused() {
        TurboJpeg turbo = TurboJpeg.find(TurboJpeg.LIBRARY).orElseThrow();
        byte[] jpeg = jpeg(SIDE, SIDE);
        assertThat(turbo.rgb(jpeg, SIDE, SIDE)).isPresent();
        assertThat(turbo.rgb(jpeg, SIDE / 2, SIDE / 2)).as("the library would scale").isEmpty();
        assertThat(turbo.rgb(jpeg, SIDE * 2, SIDE * 2)).as("three quarters would be left unwritten").isEmpty();
        assertThat(turbo.rgb(new byte[0], 1, 1)).isEmpty();
    }

    @Test
    void manyThreadsAtOnceGetTheSamePicture() {
        TurboJpeg turbo = TurboJpeg.find(TurboJpeg.LIBRARY).orElseThrow();
        byte[] jpeg = jpeg(SIDE, SIDE);
        assertThat(IntStream.range(0, 64).parallel().map(_ -> Arrays.hashCode(turbo.rgb(jpeg, SIDE, SIDE).orElseThrow())).distinct().count()).isOne();
    }

    /** The library's own functions, with what is made and destroyed counted on the way. */
    @Test
    void everyHandleIsDestroyed() throws IOException {
        AtomicInteger alive = new AtomicInteger();
        AtomicInteger made = new AtomicInteger();
        Counting counting = new Counting(alive, made);
        SymbolLookup library = SymbolLookup.libraryLookup(TurboJpeg.LIBRARY, Arena.global());
        TurboJpeg turbo = new TurboJpeg(name -> switch (name) {
            case "tjInitDecompress" -> library.find(name).map(f -> counting.stub("init", f, FunctionDescriptor.of(ADDRESS)));
            case "tjDestroy" -> library.find(name).map(f -> counting.stub("destroy", f, FunctionDescriptor.of(JAVA_INT, ADDRESS)));
            default -> library.find(name);
        });
        byte[] good = jpeg(SIDE, SIDE);
        byte[] cut = Arrays.copyOf(good, good.length / 2);
        for (int i = 0; i < 100; i++) {
            assertThat(turbo.rgb(good, SIDE, SIDE)).isPresent();
            assertThat(turbo.rgb(cut, SIDE, SIDE)).isEmpty();
            assertThat(turbo.rgb(good, 1, 1)).isEmpty();
        }
        assertThat(made).hasValue(300);
        assertThat(alive).hasValue(0);
    }

    /** Two million pixels of a damaged file, a hundred times: what leaked would show. */
    @Test
    void memoryIsGivenBack() throws IOException {
        TurboJpeg turbo = TurboJpeg.find(TurboJpeg.LIBRARY).orElseThrow();
        byte[] good = jpeg(2000, 1000);
        byte[] cut = Arrays.copyOf(good, 2000);
        assertThat(turbo.rgb(cut, 2000, 1000)).isEmpty();
        long before = residentMb();
        for (int i = 0; i < 100; i++) {
            assertThat(turbo.rgb(cut, 2000, 1000)).isEmpty();
        }
        assertThat(residentMb() - before).as("600 MB went through").isLessThan(200);
    }

    private static long residentMb() throws IOException {
        try (var lines = Files.lines(Path.of("/proc/self/status"))) {
            return Long.parseLong(lines.filter(line -> line.startsWith("VmRSS")).findFirst().orElseThrow().replaceAll("\\D", "")) >> 10;
        }
    }

    private record Counting(AtomicInteger alive, AtomicInteger made) {
        MemorySegment init(MethodHandle real) throws Throwable {
            made.incrementAndGet();
            alive.incrementAndGet();
            return (MemorySegment) real.invokeExact();
        }

        int destroy(MethodHandle real, MemorySegment handle) throws Throwable {
            alive.decrementAndGet();
            return (int) real.invokeExact(handle);
        }

        MemorySegment stub(String name, MemorySegment function, FunctionDescriptor type) {
            Linker linker = Linker.nativeLinker();
            MethodHandle real = linker.downcallHandle(function, type);
            MethodType java = type.toMethodType().insertParameterTypes(0, MethodHandle.class);
            try {
                MethodHandle counted = MethodHandles.lookup().findVirtual(Counting.class, name, java).bindTo(this).bindTo(real);
                return linker.upcallStub(counted, type, Arena.global());
            } catch (ReflectiveOperationException e) {
                throw new AssertionError(e);
            }
        }
    }
}
