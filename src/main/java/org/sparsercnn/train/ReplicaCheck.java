package org.sparsercnn.train;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Readback;
import org.sparsercnn.optim.Checksum;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.util.GuardStop;

/**
 * Compares what must be the same on every rank, every so many steps and after the last (SOLVER.REPLICAS.CHECK_PERIOD): weights, the
 * optimiser's state and averages. Ranks make the same sums from the same bits, so one that differs computes or remembers wrongly, and
 * all go on to train something that is no model of either.
 */
public final class ReplicaCheck implements Hook {
    private static final int SHOWN = 5;

    private final int period;
    private final TrainingState state;
    private final Device device;
    private final Collective group;
    /** The iteration after which they were compared last. */
    private long at = Long.MIN_VALUE;
    private boolean stopped;

    /** @param period steps between comparisons; 0: never */
    public ReplicaCheck(int period, TrainingState state, Device device, Collective group) {
        this.period = group.size() == 1 ? 0 : period;
        this.state = state;
        this.device = device;
        this.group = group;
    }

    /** Whether a difference ended the run. */
    public boolean stopped() {
        return stopped;
    }

    @Override
    public boolean needsState(long iteration) {
        return period > 0 && (iteration + 1) % period == 0;
    }

    @Override
    public void afterStep(Progress p) {
        if (needsState(p.iteration())) {
            compare(p.iteration());
        }
    }

    /**
     * After the run's last step, where {@link #afterStep} has not seen to it.
     *
     * @throws GuardStop if ranks differ
     */
    public void atEnd(long iteration) {
        if (period > 0 && at != iteration) {
            compare(iteration);
        }
    }

    private void compare(long iteration) {
        Map<String, Tensor> tensors = state.shared();
        float[] all = checksums(List.copyOf(tensors.values()));
        List<Difference> found = new ArrayList<>();
        int tensor = 0;
        for (String name : tensors.keySet()) {
            List<Integer> others = others(all, tensor++, tensors.size());
            if (!others.isEmpty()) {
                found.add(new Difference(name, others));
            }
        }
        if (!found.isEmpty()) {
            stopped = true;
            throw new GuardStop(message(iteration, found));
        }
        at = iteration;
    }

    private record Difference(String tensor, List<Integer> ranks) {
        @Override
        public String toString() {
            return tensor + " on rank" + (ranks.size() == 1 ? " " : "s ") + ranks.stream().map(String::valueOf).collect(Collectors.joining(", "));
        }
    }

    /** (ranks, tensors, 4), the same on every rank: each puts its row among zeros, and their sum has all. */
    private float[] checksums(List<Tensor> tensors) {
        try (Scope scope = new Scope(device)) {
            Tensor own = Checksum.of(scope, tensors);
            Tensor all = scope.empty(Shape.of(group.size(), own.elements()));
            all.zero();
            all.narrow(0, group.rank(), 1).copyFrom(own);
            group.allReduceSum(all, all.elements());
            try (Readback readback = device.read(all, all.bytes())) {
                return group.await(readback).toArray(ValueLayout.JAVA_FLOAT);
            }
        }
    }

    /** The ranks that do not have what most have, or what rank 0 has where no more have anything else. */
    private List<Integer> others(float[] all, int tensor, int tensors) {
        List<float[]> ofRanks = IntStream.range(0, group.size())
                .mapToObj(r -> Arrays.copyOfRange(all, (r * tensors + tensor) * Checksum.SIZE, (r * tensors + tensor + 1) * Checksum.SIZE)).toList();
        float[] usual = ofRanks.getFirst();
        for (float[] one : ofRanks) {
            usual = count(ofRanks, one) > count(ofRanks, usual) ? one : usual;
        }
        float[] wanted = usual;
        return IntStream.range(0, group.size()).filter(r -> !Arrays.equals(ofRanks.get(r), wanted)).boxed().toList();
    }

    private static long count(List<float[]> ofRanks, float[] one) {
        return ofRanks.stream().filter(other -> Arrays.equals(one, other)).count();
    }

    private String message(long iteration, List<Difference> found) {
        String where = found.stream().limit(SHOWN).map(Difference::toString).collect(Collectors.joining("; "));
        return "the " + group.size() + " replicas are no longer the same after iteration " + iteration + ": " + where
                + (found.size() > SHOWN ? "; and " + (found.size() - SHOWN) + " more tensors" : "") + " differ" + (found.size() == 1 ? "s" : "")
                + (group.size() == 2 ? " from rank 0" : " from the other ranks") + ". "
                + (at == Long.MIN_VALUE ? "They were not compared before." : "They were the same after iteration " + at + ".")
                + " Such a rank's memory, GPU or network computes wrongly: test it (doctor; nvidia-smi -q -d ECC) before it trains on. Checkpoints"
                + " written since cannot be trusted: put an older one's name into last_checkpoint and go on with --resume.";
    }
}
