package org.sparsercnn.ffi.cuda;

import static org.sparsercnn.ffi.cuda.CudnnAttribute.*;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.ffi.cuda.CudaDnn.Fused;
import org.sparsercnn.ffi.cuda.CudaDnn.Problem;
import org.sparsercnn.ffi.cuda.CudnnDescriptor.Scope;
import org.sparsercnn.ffi.cuda.CudnnDescriptor.Type;

/**
 * A convolution and its epilogue as one operation graph, and the engine that runs it: the first that cuDNN's heuristics name whose
 * arithmetic, determinism and workspace will do.
 *
 * <p>The epilogue's nodes stand in the order residual, bias, ReLU. cuDNN's precompiled kernels match that order alone, and always
 * want the bias; sums are fp32 between the nodes, so the order changes nothing but the last bit.
 */
final class CudnnGraph {
    /** What plans are made for. */
    sealed interface Target {
        /** The device of a handle; such plans can run. */
        record Device(CudnnHandle handle) implements Target {}

        /** A device that need not be here, by a finished DEVICEPROP descriptor (cuDNN 9.8 and newer). */
        record Described(CudnnDescriptor properties) implements Target {}
    }

    /** {@code cudnnBackendHeurMode_t}, in the order to ask them. */
    private enum Mode {
        A(3),
        B(1),
        FALLBACK(2);

        private final int id;

        Mode(int id) {
            this.id = id;
        }
    }

    /** {@code cudnnBackendNumericalNote_t}, in its order: what an engine says of its arithmetic. */
    enum Note {
        TENSOR_CORE,
        DOWN_CONVERT_INPUTS,
        REDUCED_PRECISION_REDUCTION,
        FFT,
        NONDETERMINISTIC,
        WINOGRAD,
        WINOGRAD_TILE_4X4,
        WINOGRAD_TILE_6X6,
        WINOGRAD_TILE_13X13,
        STRICT_NAN_PROP
    }

    /**
     * A finished plan, with the engine config it was made of; the caller closes it.
     *
     * @param engine for people: its number for this kind of graph, and its notes
     */
    record Chosen(CudnnDescriptor plan, Optional<CudnnDescriptor> config, long workspace, String engine) implements AutoCloseable {
        @Override
        public void close() {
            plan.close();
            config.ifPresent(CudnnDescriptor::close);
        }
    }

    /** Unique ids of the tensors with memory behind them, as the variant pack of a run names them; virtual ones count on from here. */
    static final long IN = 1;
    static final long OTHER = 2;
    static final long OUT = 3;
    static final long BIAS = 4;
    static final long RESIDUAL = 5;
    private static final long FIRST_VIRTUAL = 6;

    private static final int DATA_FLOAT = 0;
    private static final int DATA_BFLOAT16 = 9;
    private static final int CROSS_CORRELATION = 1;
    private static final int ADD = 0;
    private static final int RELU_FWD = 100;
    private static final int PROPAGATE_NAN = 1;
    private static final Logger LOG = LoggerFactory.getLogger(CudnnGraph.class);

    private final CudnnLibrary cudnn;
    private final Target target;

    CudnnGraph(CudnnLibrary cudnn, Target target) {
        this.cudnn = cudnn;
        this.target = target;
    }

    /** @return the best plan that may be used; empty where no engine does this graph under these conditions */
    Optional<Chosen> plan(Problem problem, Fused fused, long workspaceLimit, boolean deterministic) {
        try (Scope scope = new Scope(cudnn)) {
            CudnnDescriptor graph = new Builder(scope, problem, fused).build();
            for (Mode mode : Mode.values()) {
                for (CudnnDescriptor config : configs(graph, mode, scope)) {
                    CudnnDescriptor engine = config.getDescriptors(ENGINECFG_ENGINE, Type.ENGINE, scope).getFirst();
                    Set<Note> notes = notes(engine);
                    if (!allowed(notes, problem.type(), deterministic)) continue;
                    Optional<CudnnDescriptor> plan = finished(config);
                    if (plan.isEmpty()) continue;
                    long workspace = plan.get().get(EXECUTION_PLAN_WORKSPACE_SIZE);
                    if (workspace <= workspaceLimit) {
                        String name = "engine " + engine.get(ENGINE_GLOBAL_INDEX) + " " + notes;
                        return Optional.of(new Chosen(plan.get(), Optional.of(scope.keep(config)), workspace, name));
                    }
                    plan.get().close();
                }
            }
        } catch (CudaException e) {
            LOG.debug("{} {}: {}", problem, fused, e.getMessage());
        }
        return Optional.empty();
    }

    /** A plan that {@code EXECUTION_PLAN_JSON_REPRESENTATION} was read from earlier, on the same kind of device. */
    Chosen restore(String json) {
        CudnnDescriptor plan = new CudnnDescriptor(cudnn, Type.EXECUTION_PLAN);
        try {
            target(plan).setText(EXECUTION_PLAN_JSON_REPRESENTATION, json).finish();
            return new Chosen(plan, Optional.empty(), plan.get(EXECUTION_PLAN_WORKSPACE_SIZE), "engine from disk");
        } catch (CudaException e) {
            plan.close();
            throw e;
        }
    }

    private List<CudnnDescriptor> configs(CudnnDescriptor graph, Mode mode, Scope scope) {
        try {
            CudnnDescriptor heuristics = scope.make(Type.ENGINEHEUR).set(ENGINEHEUR_OPERATION_GRAPH, graph)
                    .set(ENGINEHEUR_MODE, mode.id);
            if (target instanceof Target.Described(CudnnDescriptor properties)) heuristics.set(ENGINEHEUR_DEVICEPROP, properties);
            return heuristics.finish().getDescriptors(ENGINEHEUR_RESULTS, Type.ENGINECFG, scope);
        } catch (CudaException e) { // a mode may not know this graph
            LOG.debug("heuristics {}: {}", mode, e.getMessage());
            return List.of();
        }
    }

    private static Set<Note> notes(CudnnDescriptor engine) {
        Set<Note> notes = EnumSet.noneOf(Note.class);
        Note[] known = Note.values();
        for (long note : engine.getAll(ENGINE_NUMERICAL_NOTE, 64)) {
            if (note < known.length) notes.add(known[(int) note]);
        }
        return notes;
    }

    /**
     * Whether an engine keeps what {@link NumberType} promises. Tensor cores take fp32 only as TF32. FFT and Winograd trade accuracy
     * for speed in a way that depends on the shape.
     */
    private static boolean allowed(Set<Note> notes, NumberType type, boolean deterministic) {
        Set<Note> forbidden = EnumSet.of(Note.DOWN_CONVERT_INPUTS, Note.REDUCED_PRECISION_REDUCTION, Note.FFT, Note.WINOGRAD);
        if (type == NumberType.F32) forbidden.add(Note.TENSOR_CORE);
        if (deterministic) forbidden.add(Note.NONDETERMINISTIC);
        return Collections.disjoint(notes, forbidden);
    }

    private Optional<CudnnDescriptor> finished(CudnnDescriptor config) {
        CudnnDescriptor plan = new CudnnDescriptor(cudnn, Type.EXECUTION_PLAN);
        try {
            return Optional.of(target(plan).set(EXECUTION_PLAN_ENGINE_CONFIG, config).finish());
        } catch (CudaException e) { // heuristics only guess that an engine is able
            plan.close();
            return Optional.empty();
        }
    }

    private CudnnDescriptor target(CudnnDescriptor plan) {
        return switch (target) {
            case Target.Device(CudnnHandle handle) -> plan.set(EXECUTION_PLAN_HANDLE, handle.address());
            case Target.Described(CudnnDescriptor properties) -> plan.set(EXECUTION_PLAN_DEVICEPROP, properties);
        };
    }

    /** The operation graph of one problem. */
    private final class Builder {
        private final Scope scope;
        private final Problem problem;
        private final boolean bias;
        private final boolean residual;
        private final boolean relu;
        private final List<CudnnDescriptor> operations = new ArrayList<>();
        private long nextVirtual = FIRST_VIRTUAL;
        private int epilogueNodes;

        Builder(Scope scope, Problem problem, Fused fused) {
            this.scope = scope;
            this.problem = problem;
            bias = problem.bias() && fused != Fused.NONE;
            residual = problem.residual() && fused == Fused.ALL;
            relu = problem.relu() && fused == Fused.ALL;
            epilogueNodes = (bias ? 1 : 0) + (residual ? 1 : 0) + (relu ? 1 : 0);
        }

        CudnnDescriptor build() {
            CudnnDescriptor sum = convolution();
            if (residual) sum = pointwise(ADD, sum, output(RESIDUAL, false));
            if (bias) sum = pointwise(ADD, sum, tensor(BIAS, false, 1, problem.co(), 1, 1));
            if (relu) pointwise(RELU_FWD, sum, null);
            CudnnDescriptor graph = scope.make(Type.OPERATIONGRAPH).set(OPERATIONGRAPH_OPS, operations);
            if (target instanceof Target.Device(CudnnHandle handle)) graph.set(OPERATIONGRAPH_HANDLE, handle.address());
            return graph.finish();
        }

        private CudnnDescriptor convolution() {
            CudnnDescriptor convolution = scope.make(Type.CONVOLUTION).set(CONVOLUTION_COMP_TYPE, DATA_FLOAT)
                    .set(CONVOLUTION_CONV_MODE, CROSS_CORRELATION).set(CONVOLUTION_SPATIAL_DIMS, 2).set(CONVOLUTION_DILATIONS, 1, 1)
                    .set(CONVOLUTION_FILTER_STRIDES, problem.stride(), problem.stride())
                    .set(CONVOLUTION_PRE_PADDINGS, problem.pad(), problem.pad())
                    .set(CONVOLUTION_POST_PADDINGS, problem.pad(), problem.pad()).finish();
            CudnnDescriptor result;
            CudnnDescriptor operation = switch (problem.kind()) {
                case FORWARD -> {
                    result = next();
                    yield scope.make(Type.OPERATION_CONVOLUTION_FORWARD).set(OPERATION_CONVOLUTION_FORWARD_X, input(IN))
                            .set(OPERATION_CONVOLUTION_FORWARD_W, weight(OTHER)).set(OPERATION_CONVOLUTION_FORWARD_Y, result)
                            .set(OPERATION_CONVOLUTION_FORWARD_CONV_DESC, convolution)
                            .setFloat(OPERATION_CONVOLUTION_FORWARD_ALPHA, 1).setFloat(OPERATION_CONVOLUTION_FORWARD_BETA, 0);
                }
                case BACKWARD_DATA -> {
                    result = input(OUT);
                    yield scope.make(Type.OPERATION_CONVOLUTION_BACKWARD_DATA).set(OPERATION_CONVOLUTION_BWD_DATA_DX, result)
                            .set(OPERATION_CONVOLUTION_BWD_DATA_W, weight(OTHER))
                            .set(OPERATION_CONVOLUTION_BWD_DATA_DY, output(IN, false))
                            .set(OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, convolution)
                            .setFloat(OPERATION_CONVOLUTION_BWD_DATA_ALPHA, 1).setFloat(OPERATION_CONVOLUTION_BWD_DATA_BETA, 0);
                }
                case BACKWARD_WEIGHT -> {
                    result = weight(OUT);
                    yield scope.make(Type.OPERATION_CONVOLUTION_BACKWARD_FILTER).set(OPERATION_CONVOLUTION_BWD_FILTER_X, input(IN))
                            .set(OPERATION_CONVOLUTION_BWD_FILTER_DW, result)
                            .set(OPERATION_CONVOLUTION_BWD_FILTER_DY, output(OTHER, false))
                            .set(OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, convolution)
                            .setFloat(OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, 1).setFloat(OPERATION_CONVOLUTION_BWD_FILTER_BETA, 0);
                }
            };
            operations.add(operation.finish());
            return result;
        }

        /** @param second null for ReLU */
        private CudnnDescriptor pointwise(int mode, CudnnDescriptor first, CudnnDescriptor second) {
            CudnnDescriptor what = scope.make(Type.POINTWISE).set(POINTWISE_MODE, mode).set(POINTWISE_MATH_PREC, DATA_FLOAT);
            if (mode == RELU_FWD) what.set(POINTWISE_NAN_PROPAGATION, PROPAGATE_NAN);
            epilogueNodes--;
            CudnnDescriptor result = next();
            CudnnDescriptor operation = scope.make(Type.OPERATION_POINTWISE).set(OPERATION_POINTWISE_PW_DESCRIPTOR, what.finish())
                    .set(OPERATION_POINTWISE_XDESC, first).set(OPERATION_POINTWISE_YDESC, result);
            if (second != null) operation.set(OPERATION_POINTWISE_BDESC, second);
            operations.add(operation.finish());
            return result;
        }

        /** What the next node writes: the output, or a virtual tensor for the one after it. */
        private CudnnDescriptor next() {
            return epilogueNodes == 0 ? output(OUT, false) : output(nextVirtual++, true);
        }

        private CudnnDescriptor input(long id) {
            return tensor(id, false, problem.n(), problem.ci(), problem.h(), problem.w());
        }

        private CudnnDescriptor weight(long id) {
            return tensor(id, false, problem.co(), problem.ci(), problem.kh(), problem.kw());
        }

        private CudnnDescriptor output(long id, boolean virtual) {
            return tensor(id, virtual, problem.n(), problem.co(), problem.oh(), problem.ow());
        }

        /** Dimensions in cuDNN's order; the strides say that channels lie innermost, for weights too. */
        private CudnnDescriptor tensor(long id, boolean virtual, long n, long c, long h, long w) {
            boolean half = problem.type() == NumberType.BF16 && !virtual;
            CudnnDescriptor tensor = scope.make(Type.TENSOR).set(TENSOR_DATA_TYPE, half ? DATA_BFLOAT16 : DATA_FLOAT)
                    .set(TENSOR_DIMENSIONS, n, c, h, w).set(TENSOR_STRIDES, h * w * c, 1, w * c, c).set(TENSOR_UNIQUE_ID, id)
                    .set(TENSOR_BYTE_ALIGNMENT, CudaDnn.ALIGNMENT);
            if (virtual) tensor.set(TENSOR_IS_VIRTUAL, 1);
            return tensor.finish();
        }
    }
}
