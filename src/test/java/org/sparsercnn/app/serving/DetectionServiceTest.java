package org.sparsercnn.app.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.app.DeviceChoice;
import org.sparsercnn.app.Environment;
import org.sparsercnn.app.FoundObject;
import org.sparsercnn.app.ModelOnDevice;
import org.sparsercnn.cli.Workplace;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.ForwardingDevice;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.viz.Pictures;

/** Batches, deadlines and failures. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@SuppressWarnings("try") // closing early, and twice, is what is tested
class DetectionServiceTest {
    private static final DeviceChoice CPU = new DeviceChoice(Optional.of("cpu"), Optional.of(2));
    private static final double A_MINUTE = 60_000;

    @TempDir
    static Path folder;

    private Workplace place;
    private final List<byte[]> pictures = new ArrayList<>();

    @BeforeAll
    void train() throws IOException {
        place = Workplace.in(folder);
        assertThat(place.run("train").code()).isZero();
        for (int i = 1; i <= 4; i++) {
            pictures.add(Files.readAllBytes(place.trainImage(i)));
        }
    }

    private Config config() {
        return Config.load(place.config(), List.of("MODEL.WEIGHTS", place.output().resolve("model_final.safetensors").toString()));
    }

    private DetectionService open(Limits limits, String... overrides) {
        return DetectionService.open(new Environment(place.variables()), config().with(overrides), CPU, limits);
    }

    private static Limits limits(int batch, double waitMillis, double seconds) {
        return new Limits(64, OptionalInt.of(batch), Math.min(1000, waitMillis), seconds, 1_000_000);
    }

    /** Takes all tickets first, so that the device knows what is on its way. */
    private static List<Answer> detect(DetectionService service, List<byte[]> files) {
        List<Ticket> tickets = files.stream().map(_ -> service.admit()).toList();
        List<CompletableFuture<Answer>> answers = new ArrayList<>();
        for (int i = 0; i < files.size(); i++) {
            answers.add(tickets.get(i).detect(files.get(i)));
        }
        List<Answer> found = answers.stream().map(CompletableFuture::join).toList();
        tickets.forEach(Ticket::close);
        assertThat(service.inFlight()).isZero();
        return found;
    }

    private static void assertSame(Answer one, Answer other, double tolerance) {
        assertThat(other.objects()).hasSameSizeAs(one.objects());
        for (int i = 0; i < one.objects().size(); i++) {
            FoundObject a = one.objects().get(i);
            FoundObject b = other.objects().get(i);
            assertThat((double) b.score()).isCloseTo(a.score(), within(tolerance));
            assertThat(b.categoryId()).isEqualTo(a.categoryId());
            for (int c = 0; c < 4; c++) {
                assertThat((double) b.bboxXywhPx()[c]).isCloseTo(a.bboxXywhPx()[c], within(64 * tolerance));
            }
        }
    }

    /** Not to the last bit: products are cut by their sizes, so that sums are rounded elsewhere. */
    @Test
    void a_picture_is_answered_the_same_whatever_its_companions() {
        List<Answer> alone;
        try (DetectionService service = open(limits(1, 0, 60))) {
            alone = detect(service, pictures);
            assertThat(service.batches()).containsExactly(0, 4);
        }
        try (DetectionService service = open(limits(4, A_MINUTE, 60))) {
            List<Answer> together = detect(service, pictures);
            assertThat(service.batches()).as("waited for all that were on their way").containsExactly(0, 0, 0, 0, 1);
            for (int i = 0; i < alone.size(); i++) {
                assertThat(together.get(i).batch()).isEqualTo(4);
                assertSame(alone.get(i), together.get(i), 1e-4);
            }
        }
    }

    @Test
    void pictures_of_other_sizes_go_by_themselves_and_none_is_passed_over() throws IOException {
        Path wide = folder.resolve("wide.png");
        Pictures.write(Pictures.fromRgb(new byte[3 * 64 * 20], 64, 20), wide);
        byte[] other = Files.readAllBytes(wide);
        try (DetectionService service = open(limits(8, A_MINUTE, 60))) {
            List<Answer> answers = detect(service, List.of(pictures.get(0), other, pictures.get(1), other, pictures.get(2)));
            assertThat(answers.stream().map(Answer::batch)).containsExactly(3, 2, 3, 2, 3);
            assertThat(answers.stream().map(Answer::height)).containsExactly(64, 20, 64, 20, 64);
        }
    }

    @Test
    void a_picture_alone_waits_for_nobody() {
        try (DetectionService service = open(limits(8, A_MINUTE, 60))) {
            assertThat(detect(service, pictures.subList(0, 1)).getFirst().batch()).isEqualTo(1);
        }
    }

    @Test
    void bad_pictures_leave_their_places_to_others() {
        try (DetectionService service = open(limits(4, A_MINUTE, 60)); Ticket bad = service.admit()) {
            assertThatThrownBy(bad.detect(new byte[] {1, 2, 3})::join).hasCauseInstanceOf(BadInput.class);
            bad.close();
            assertThat(service.inFlight()).isZero();
            assertThat(detect(service, pictures.subList(0, 2)).getFirst().batch()).isEqualTo(2);
        }
    }

    @Test
    void what_comes_too_late_is_not_computed() {
        try (DetectionService service = open(limits(1, 0, 0.001)); Ticket late = service.admit()) {
            while (late.left() > 0) {
                Thread.onSpinWait();
            }
            assertThatThrownBy(late.detect(pictures.getFirst())::join).hasCauseInstanceOf(Refusal.class).hasMessageContaining("no answer within 0.001 s");
            late.close();
            assertThat(service.batches()).containsExactly(0, 0);
        }
    }

    @Test
    void what_nobody_waits_for_is_not_computed() {
        try (DetectionService service = open(limits(2, A_MINUTE, 60)); Ticket slow = service.admit(); Ticket gone = service.admit()) {
            CompletableFuture<Answer> answer = gone.detect(pictures.getFirst()); // waits, since the other one is on its way
            while (service.waiting() == 0) {
                Thread.onSpinWait();
            }
            gone.close();
            assertThatThrownBy(answer::join).hasRootCauseInstanceOf(CancellationException.class);
            assertThat(slow.detect(pictures.get(1)).join().batch()).isEqualTo(1);
            assertThat(service.batches()).containsExactly(0, 1, 0);
        }
    }

    @Test
    void more_than_the_queue_and_after_the_end_nobody_gets_in() {
        DetectionService service = open(new Limits(2, OptionalInt.empty(), 0, 60, 1_000_000));
        try (service; Ticket _ = service.admit(); Ticket second = service.admit()) {
            assertThatThrownBy(service::admit).isInstanceOfSatisfying(Refusal.class, r -> assertThat(r.reason()).isEqualTo(Refusal.Reason.QUEUE_FULL));
            second.close();
            second.close(); // once is enough, twice does no harm
            service.admit().close();
            assertThat(service.inFlight()).isEqualTo(1);
            service.refuseNew();
            assertThatThrownBy(service::admit).isInstanceOfSatisfying(Refusal.class, r -> assertThat(r.reason()).isEqualTo(Refusal.Reason.SHUTTING_DOWN));
        }
    }

    /** Test-time augmentation goes picture by picture, also in a batch. */
    @Test
    void augmented() {
        String[] augmented = {"TEST.AUG.ENABLED", "True", "TEST.AUG.MIN_SIZES", "(64, 96)", "TEST.AUG.MAX_SIZE", "96"};
        try (DetectionService service = open(limits(2, A_MINUTE, 60), augmented)) {
            List<Answer> both = detect(service, pictures.subList(0, 2));
            assertSame(both.get(1), detect(service, pictures.subList(1, 2)).getFirst(), 0);
        }
    }

    /** A device that fails a number of times. */
    private static final class Failing extends ForwardingDevice {
        private volatile int failures;

        Failing(Device device) {
            super(device);
        }

        @Override
        public void gemm(Gemm gemm) {
            if (failures > 0) {
                failures--;
                throw new IllegalStateException("a failure that was asked for");
            }
            super.gemm(gemm);
        }
    }

    @Test
    void a_failure_is_that_of_its_batch_unless_the_device_fails_again() {
        Failing[] device = new Failing[1];
        try (DetectionService service = DetectionService.open(() -> ModelOnDevice.open(new Environment(place.variables()), config(), CPU,
                cpu -> device[0] = new Failing(cpu)), 1, limits(1, 0, 60))) {
            long inUse = service.deviceBytesInUse();
            detect(service, pictures);
            device[0].failures = 1;
            assertThatThrownBy(() -> detectOne(service)).isInstanceOf(CompletionException.class).hasMessageContaining("a failure that was asked for");
            assertThat(detect(service, pictures)).hasSize(4);
            assertThat(service.deviceBytesInUse()).isEqualTo(inUse);
            assertThat(service.failure()).isNotDone();

            device[0].failures = 2;
            assertThatThrownBy(() -> detectOne(service)).isInstanceOf(CompletionException.class);
            assertThat(service.failure().join()).hasMessage("a failure that was asked for");
            assertThatThrownBy(service::admit).isInstanceOfSatisfying(Refusal.class, r -> assertThat(r.reason()).isEqualTo(Refusal.Reason.DEVICE_FAILED));
        }
    }

    private void detectOne(DetectionService service) {
        try (Ticket ticket = service.admit()) {
            ticket.detect(pictures.getFirst()).join();
        }
    }

    @Test
    void weights_that_are_missing_are_refused() {
        assertThatThrownBy(() -> open(limits(1, 0, 60), "MODEL.WEIGHTS", "")).isInstanceOf(BadInput.class).hasMessageContaining("MODEL.WEIGHTS is empty");
    }
}
