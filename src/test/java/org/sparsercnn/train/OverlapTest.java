package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Convolution;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.ForwardingDevice;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Launch;
import org.sparsercnn.device.Pointer;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cuda.NullGpu;
import org.sparsercnn.model.Initialization;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;

/** The order in which a rank queues a step on the CUDA device, with everything below it stood in for. */
class OverlapTest {
    private static final Config CONFIG = Config.load(Path.of("configs/quickstart.yaml"), List.of());
    private static final long BUCKET = 256 << 10;

    /** Work in the order it was queued in; address and bytes are those of what is copied to or summed. */
    private record Queued(String what, long address, long bytes) {
        boolean reaches(Queued bucket) {
            return address >= bucket.address && address < bucket.address + bucket.bytes;
        }
    }

    private final List<Queued> queued = new ArrayList<>();

    private void note(String what) {
        queued.add(new Queued(what, 0, 0));
    }

    private final class Watched extends ForwardingDevice {
        Watched(Device device) {
            super(device);
        }

        @Override
        public Launch kernel(Kernel kernel) {
            note("compute");
            return super.kernel(kernel);
        }

        @Override
        public void gemm(Gemm gemm) {
            note("compute");
            super.gemm(gemm);
        }

        @Override
        public void convolutionBackwardWeight(Convolution shape, Pointer x, Pointer dy, Pointer dw) {
            note("weight gradient");
            super.convolutionBackwardWeight(shape, x, dy, dw);
        }

        @Override
        public void copy(Pointer from, Pointer to, long bytes) {
            queued.add(new Queued("copy", to.address(), bytes));
            super.copy(from, to, bytes);
        }
    }

    /** Rank 0 of two, the other of which has zeros everywhere. */
    private final class BesideZeros implements Collective {
        @Override
        public int rank() {
            return 0;
        }

        @Override
        public int size() {
            return 2;
        }

        @Override
        public void allReduceSum(Pointer values, long count, DType type) {
            note("sum");
        }

        @Override
        public Pending startAllReduceSum(Pointer values, long count, DType type) {
            Queued begun = new Queued("begin", values.address(), count * type.bytes());
            queued.add(begun);
            return () -> queued.add(new Queued("finish", begun.address, begun.bytes));
        }

        @Override
        public void broadcast(Pointer values, long bytes, int root) {
            note("broadcast");
        }

        @Override
        public void barrier() {
            note("barrier");
        }
    }

    private int last(String what) {
        return queued.stream().map(Queued::what).toList().lastIndexOf(what);
    }

    private List<Queued> all(String what) {
        return queued.stream().filter(q -> q.what.equals(what)).toList();
    }

    @Test
    void sums_begin_while_backward_still_queues_work() {
        try (Device device = new Watched(NullGpu.lateDevice()); SparseRcnn model = new SparseRcnn(device, CONFIG.model())) {
            Initialization.apply(model, 1);
            try (TrainingState state = new TrainingState(model, CONFIG, new Rng(1));
                    TrainingStep step = new TrainingStep(model, state, new BesideZeros(), DType.F32, new Accumulation(2), new Reduction(BUCKET, DType.F32))) {
                step.run(FixedBatches.batch(0, 2, 64, 64, 5), 1e-3).await();
                List<Queued> learnt = all("begin");
                assertThat(queued.indexOf(learnt.getFirst())).as("the first step learns the order").isGreaterThan(last("weight gradient"));
                queued.clear();

                step.run(FixedBatches.batch(1, 2, 64, 64, 5), 1e-3).await();
                long parameters = model.parameters().trainable().stream().mapToLong(p -> p.value().bytes()).sum();
                assertThat(learnt).hasSizeGreaterThan(3).hasSizeLessThan(model.parameters().trainable().size() / 2);
                assertThat(all("begin")).as("buckets and their order stay").isEqualTo(learnt);
                assertThat(all("finish")).extracting(Queued::address).isEqualTo(learnt.stream().map(Queued::address).toList());
                long backwards = all("weight gradient").size() / 2; // of each part
                int firstOfLastPart = queued.indexOf(queued.stream().filter(q -> q.what.equals("weight gradient")).skip(backwards).findFirst().orElseThrow());
                assertThat(queued.indexOf(learnt.getFirst())).as("the first sum, of two parts' gradients").isLessThan(last("weight gradient"));
                assertThat(learnt.stream().filter(b -> queued.indexOf(b) < firstOfLastPart + (last("weight gradient") - firstOfLastPart) / 2))
                        .as("sums that begin before half the last part's convolutions").hasSizeGreaterThan(1);
                long copied = 0;
                for (Queued bucket : learnt) {
                    int begin = queued.indexOf(bucket);
                    int end = queued.indexOf(new Queued("finish", bucket.address, bucket.bytes));
                    List<Queued> copies = all("copy").stream().filter(q -> q.reaches(bucket)).toList();
                    assertThat(copies).as("gradients of a bucket").isNotEmpty().allSatisfy(c -> assertThat(queued.indexOf(c)).isLessThan(begin));
                    copied += copies.stream().mapToLong(Queued::bytes).sum();
                    assertThat(begin).isLessThan(end);
                    assertThat(end).as("before the optimiser").isGreaterThan(last("weight gradient"));
                }
                assertThat(copied).as("bytes of all gradients, once").isEqualTo(parameters);
            }
            for (Parameter p : model.parameters().trainable()) {
                assertThat(p.value().toFloats()).as(p.name()).doesNotContain(Float.NaN);
            }
        }
    }
}
