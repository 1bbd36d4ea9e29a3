package org.sparsercnn.ffi.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparsercnn.ffi.cuda.CudaDnn.Fused;
import org.sparsercnn.ffi.cuda.CudaDnn.Kind;
import org.sparsercnn.ffi.cuda.CudaDnn.Plan;
import org.sparsercnn.ffi.cuda.CudaDnn.Problem;
import org.sparsercnn.ffi.cuda.CudaLibraries.Library;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/** On the stand-in for NVIDIA's cuDNN, whose engines {@code native/standin/cudnn.cpp} lists. */
class CudnnTest {
    private static final long PLENTY = 1 << 20;
    private static final int BEYOND_BIAS = 1;
    private static final int FUSED = 2;
    private static final int GRAPHS = 4;
    private static final int FIRST_ENGINE = 8;
    private static final int CLASSIC = 16;

    @TempDir
    private Path folder;
    private StandInLibrary standIn;
    private Cudnn cudnn;

    @BeforeEach
    void open() {
        standIn = StandInLibrary.of("libcudnn.so.9", Library.CUDNN);
        standIn.call("standin_reset");
        cudnn = open(Optional.empty());
    }

    @AfterEach
    void close() {
        if (cudnn != null) cudnn.close();
        assertThat(standIn.text("standin_held")).as("handles and descriptors left").isEmpty();
        standIn.close();
    }

    private static Cudnn open(Optional<CudnnPlanCache> cache) {
        return new Cudnn(CudaLibraries.ofThisMachine().require(Library.CUDNN), "Stand-in GPU", cache);
    }

    private void refuse(int what) {
        standIn.call("standin_refuse", (long) what);
    }

    private String log() {
        return standIn.text("standin_log");
    }

    private static Problem problem(Kind kind, NumberType type, boolean bias, boolean residual, boolean relu) {
        return new Problem(kind, 2, 5, 7, 3, 4, 3, 3, 2, 1, type, bias, residual, relu);
    }

    private static Problem forward(NumberType type) {
        return problem(Kind.FORWARD, type, true, true, true);
    }

    @ParameterizedTest
    @EnumSource(NumberType.class)
    void equalsTheReferenceForRandomShapes(NumberType type) {
        Random random = new Random(type.ordinal());
        for (int i = 0; i < 60; i++) {
            Kind kind = Kind.values()[i % 3];
            long k = new long[] {1, 1, 3, 7}[random.nextInt(4)];
            long pad = random.nextInt((int) k / 2 + 1);
            long side = Math.max(k, 1);
            boolean forward = kind == Kind.FORWARD;
            Problem p = new Problem(kind, 1 + random.nextInt(2), side + random.nextInt(6), side + random.nextInt(7), 1 + random.nextInt(9),
                    1 + random.nextInt(9), k, k, 1 + random.nextInt(2), pad, type, forward && random.nextBoolean(),
                    forward && random.nextBoolean(), forward && random.nextBoolean());
            check(p, cudnn.plan(p, PLENTY, random.nextBoolean()), random.nextLong());
        }
    }

    /** Runs the plan, does what it left, and compares. */
    private static void check(Problem p, Plan plan, long seed) {
        try (var data = new ConvolutionData(p, seed)) {
            data.run(plan);
            double[] wanted = data.expected();
            double[] found = data.result();
            for (int i = 0; i < wanted.length; i++) {
                assertThat(found[i]).as("%s [%d]", p, i).isCloseTo(wanted[i], within(data.tolerance(wanted[i])));
            }
        }
    }

    @Test
    void picksTheFirstEngineThatKeepsItsPromises() {
        assertThat(engine(NumberType.BF16, PLENTY, true)).isEqualTo(10);
        assertThat(engine(NumberType.TF32, PLENTY, true)).isEqualTo(10);
        assertThat(engine(NumberType.TF32, 1000, false)).as("workspace").isEqualTo(12);
        assertThat(engine(NumberType.TF32, 1000, true)).isEqualTo(13);
        assertThat(engine(NumberType.F32, PLENTY, false)).as("no tensor cores, no Winograd").isEqualTo(12);
        assertThat(engine(NumberType.F32, PLENTY, true)).isEqualTo(13);
        assertThat(engine(NumberType.F32, 100, true)).as("of mode FALLBACK").isEqualTo(14);
        refuse(FIRST_ENGINE);
        assertThat(engine(NumberType.BF16, PLENTY, false)).as("the first cannot be finished").isEqualTo(12);
    }

    private int engine(NumberType type, long workspaceLimit, boolean deterministic) {
        Plan plan = cudnn.plan(forward(type), workspaceLimit, deterministic);
        assertThat(plan.workspace()).isLessThanOrEqualTo(workspaceLimit);
        assertThat(plan.fused()).isEqualTo(Fused.ALL);
        log();
        try (var data = new ConvolutionData(forward(type), 1)) {
            data.run(plan);
        }
        String[] words = log().split(" ");
        assertThat(words).startsWith("forward", "by", "engine");
        return Integer.parseInt(words[3]);
    }

    @Test
    void leavesToTheCallerWhatNoGraphTakes() {
        assertThat(fused(true, true, true)).isEqualTo(Fused.ALL);
        assertThat(fused(false, true, true)).as("kernels want a bias").isEqualTo(Fused.NONE);
        assertThat(fused(false, false, false)).as("nothing is left").isEqualTo(Fused.ALL);
        refuse(BEYOND_BIAS);
        assertThat(fused(true, true, false)).isEqualTo(Fused.BIAS);
        assertThat(fused(true, false, true)).isEqualTo(Fused.BIAS);
        assertThat(fused(true, false, false)).isEqualTo(Fused.ALL);
        refuse(FUSED);
        assertThat(fused(true, true, true)).isEqualTo(Fused.NONE);
        assertThat(fused(true, false, false)).isEqualTo(Fused.NONE);
    }

    private Fused fused(boolean bias, boolean residual, boolean relu) {
        Problem p = problem(Kind.FORWARD, NumberType.BF16, bias, residual, relu);
        Plan plan = cudnn.plan(p, PLENTY, true);
        check(p, plan, 3);
        return plan.fused();
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void callsTheClassicFunctionsWhereGraphsFail(Kind kind) {
        refuse(GRAPHS);
        for (NumberType type : NumberType.values()) {
            Problem p = problem(kind, type, kind == Kind.FORWARD, kind == Kind.FORWARD, kind == Kind.FORWARD);
            Plan any = cudnn.plan(p, PLENTY, false);
            Plan deterministic = cudnn.plan(p, PLENTY, true);
            assertThat(List.of(any.workspace(), deterministic.workspace())).containsExactly(0L, 128L);
            assertThat(any.fused()).isEqualTo(kind == Kind.FORWARD ? Fused.NONE : Fused.ALL);
            log();
            check(p, any, 4);
            check(p, deterministic, 5);
            assertThat(log()).contains("by algorithm").doesNotContain("engine");
            assertThatThrownBy(() -> cudnn.plan(p, 100, true)).isInstanceOf(CudaException.class)
                    .hasMessageContaining("at most 100 bytes");
        }
        refuse(GRAPHS | CLASSIC);
        assertThatThrownBy(() -> cudnn.plan(problem(kind, NumberType.F32, false, false, false), PLENTY, false))
                .isInstanceOfSatisfying(CudaException.class, e -> assertThat(e.library()).isEqualTo("cuDNN"));
    }

    @Test
    void nanPassesThroughReLU() {
        Problem p = forward(NumberType.F32);
        try (var data = new ConvolutionData(p, 6)) {
            data.poisonInput();
            data.run(cudnn.plan(p, PLENTY, true));
            assertThat(data.result()[0]).isNaN();
        }
    }

    @Test
    void setsTheStreamWhenItChanges() {
        Problem p = forward(NumberType.F32);
        Plan graph = cudnn.plan(p, PLENTY, true);
        refuse(GRAPHS);
        Plan classic = cudnn.plan(p, PLENTY, true);
        log();
        try (var data = new ConvolutionData(p, 7)) {
            for (long stream : new long[] {0, 64, 64, 128}) {
                data.run(graph, stream);
                data.run(classic, stream);
            }
        }
        assertThat(log().lines().map(line -> line.replaceAll("forward.* (stream \\d+)", "$1 runs"))).containsExactly("stream 0 runs",
                "stream 0 runs", "stream 64", "stream 64 runs", "stream 64 runs", "stream 64 runs", "stream 64 runs", "stream 128",
                "stream 128 runs", "stream 128 runs");
    }

    @Test
    void runningAllocatesNothingOnTheHeap() {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Problem p = new Problem(Kind.FORWARD, 1, 1, 1, 1, 1, 1, 1, 1, 0, NumberType.F32, true, true, true);
        Plan graph = cudnn.plan(p, PLENTY, true);
        refuse(GRAPHS);
        Plan classic = cudnn.plan(p, PLENTY, true);
        try (var data = new ConvolutionData(p, 8)) {
            for (Plan plan : List.of(graph, classic)) {
                for (int i = 0; i < 20_000; i++) data.run(plan);
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < 1000; i++) data.run(plan);
                assertThat(threads.getCurrentThreadAllocatedBytes() - before).as("%s", plan).isLessThan(1000);
            }
        }
    }

    @Test
    void plansAreReadFromDiskByTheNextRun() {
        var cache = Optional.of(new CudnnPlanCache(folder.resolve("plans")));
        Problem partly = problem(Kind.FORWARD, NumberType.TF32, true, true, true);
        Problem all = problem(Kind.BACKWARD_DATA, NumberType.BF16, false, false, false);
        reopen(cache);
        refuse(BEYOND_BIAS);
        cudnn.plan(partly, PLENTY, true);
        cudnn.plan(all, PLENTY, false);
        reopen(cache);
        refuse(GRAPHS | CLASSIC); // so no plan can be made anew
        Plan restored = cudnn.plan(partly, PLENTY, true);
        assertThat(restored.fused()).isEqualTo(Fused.BIAS);
        check(partly, restored, 9);
        check(all, cudnn.plan(all, PLENTY, false), 10);
        assertThatThrownBy(() -> cudnn.plan(all, PLENTY, true)).as("asked for otherwise").isInstanceOf(CudaException.class);
        assertThatThrownBy(() -> cudnn.plan(partly, PLENTY - 1, true)).isInstanceOf(CudaException.class);
        standIn.call("standin_version", 92500L);
        reopen(cache);
        assertThatThrownBy(() -> cudnn.plan(all, PLENTY, false)).as("another cuDNN").isInstanceOf(CudaException.class);
    }

    private void reopen(Optional<CudnnPlanCache> cache) {
        cudnn.close();
        cudnn = open(cache);
    }

    @Test
    void aDamagedPlanIsIgnoredAndWrittenAgain() throws IOException {
        var cache = Optional.of(new CudnnPlanCache(folder));
        Problem p = forward(NumberType.BF16);
        reopen(cache);
        cudnn.plan(p, PLENTY, true);
        Path file = onlyFile();
        byte[] good = Files.readAllBytes(file);
        var tree = (ObjectNode) Json.MAPPER.readTree(good);
        for (byte[] bad : List.of(new byte[0], new byte[] {0, 1, 2}, "null".getBytes(), "[]".getBytes(),
                Arrays.copyOf(good, good.length / 2), Json.MAPPER.writeValueAsBytes(tree.deepCopy().put("format", 99)),
                Json.MAPPER.writeValueAsBytes(tree.deepCopy().put("key", "another")),
                Json.MAPPER.writeValueAsBytes(tree.deepCopy().put("fused", "SOME")),
                Json.MAPPER.writeValueAsBytes(tree.deepCopy().put("plan", "{}")))) {
            Files.write(file, bad);
            check(p, cudnn.plan(p, PLENTY, true), 11);
            assertThat(Files.readAllBytes(file)).isEqualTo(good);
        }
        String key = tree.get("key").asText();
        cache.get().store(key, new CudnnPlanCache.Entry(Fused.ALL, "{\"standin\":[1,2]}")); // whole, but cuDNN will not have it
        check(p, cudnn.plan(p, PLENTY, true), 12);
        assertThat(Files.readAllBytes(file)).isEqualTo(good);
        cache.get().store(key.replace("workspace<=" + PLENTY, "workspace<=100"), cache.get().find(key).orElseThrow());
        assertThat(cudnn.plan(p, 100, true).workspace()).as("wants more than its key says").isLessThanOrEqualTo(100);
    }

    private Path onlyFile() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> all = files.toList();
            assertThat(all).hasSize(1);
            return all.getFirst();
        }
    }

    @Test
    void aFolderThatCannotBeWrittenIsNoError() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        reopen(Optional.of(new CudnnPlanCache(file.resolve("plans"))));
        check(forward(NumberType.F32), cudnn.plan(forward(NumberType.F32), PLENTY, true), 13);
    }

    @Test
    void wantsVersion9() {
        assertThat(cudnn.description()).isEqualTo("cuDNN 9.24.0");
        standIn.call("standin_version", 91002L);
        reopen(Optional.empty());
        assertThat(cudnn.description()).isEqualTo("cuDNN 9.10.2");
        standIn.call("standin_version", 8907L);
        assertThatThrownBy(() -> open(Optional.empty())).isInstanceOf(BadInput.class).hasMessageContainingAll("libcudnn.so.9", "8.9.7",
                "9 is wanted", Library.CUDNN.remedy());
        standIn.call("standin_version", 100_203L);
        assertThatThrownBy(() -> open(Optional.empty())).isInstanceOf(BadInput.class).hasMessageContaining("10.2.3");
    }

    @Test
    void wrongCallsSaySo() {
        Plan plan = cudnn.plan(forward(NumberType.F32), PLENTY, true);
        assertThatThrownBy(() -> plan.run(8, 16, 32, 48, 64, 0, 0)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("16 bytes");
        assertThatThrownBy(() -> cudnn.plan(problem(Kind.BACKWARD_DATA, NumberType.F32, true, false, false), PLENTY, true))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> plan.run(16, 32, 48, 0, 64, 0, 0)).as("no bias").isInstanceOf(CudaException.class)
                .hasMessageContaining("cudnnBackendExecute");
    }
}
