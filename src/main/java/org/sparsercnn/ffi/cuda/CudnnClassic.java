package org.sparsercnn.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.ffi.cuda.CudaDnn.Fused;
import org.sparsercnn.ffi.cuda.CudaDnn.Kind;
import org.sparsercnn.ffi.cuda.CudaDnn.Problem;

/**
 * Convolutions of one kind by the calls that cuDNN had before graphs, for what the graph API does not do; deprecated, and still
 * there in every cuDNN 9. They do no epilogue.
 */
final class CudnnClassic {
    /** {@code cudnnConvolution(Fwd|BwdData|BwdFilter)AlgoPerf_t}: three structs of one shape. */
    private static final int PERF_BYTES = 48;
    private static final int PERF_ALGORITHM = 0;
    private static final int PERF_STATUS = 4;
    private static final int PERF_MEMORY = 16;
    private static final int PERF_DETERMINISM = 24;
    private static final int PERF_MATH_TYPE = 28;
    private static final int MOST_ALGORITHMS = 16;

    private static final int NHWC = 1;
    private static final int DATA_FLOAT = 0;
    private static final int DATA_BFLOAT16 = 9;
    private static final int CROSS_CORRELATION = 1;
    private static final int DETERMINISTIC = 1;
    /** Takes fp32 to tensor cores as TF32. */
    private static final int DEFAULT_MATH = 0;
    private static final int TENSOR_OP_MATH = 1;
    private static final int TENSOR_OP_MATH_ALLOW_CONVERSION = 2;
    private static final int FMA_MATH = 3;

    private static final Logger LOG = LoggerFactory.getLogger(CudnnClassic.class);

    private static final MethodHandle ALGORITHMS = CudnnLibrary.signature("ILLLLLILL");
    private static final MethodHandle CONVOLUTION = CudnnLibrary.signature("ILLLLLLLILLLLL");

    private final CudnnHandle handle;
    private final Kind kind;
    private final String name;
    /** The algorithms that are neither FFT nor Winograd, as bits. */
    private final int direct;
    private final MemorySegment convolution;

    CudnnClassic(CudnnHandle handle, Kind kind) {
        this.handle = handle;
        this.kind = kind;
        direct = switch (kind) {
            case FORWARD -> 0b1111; // implicit GEMM, the same precomputed, GEMM, direct
            case BACKWARD_DATA -> 0b11;
            case BACKWARD_WEIGHT -> 0b1011;
        };
        name = switch (kind) {
            case FORWARD -> "Forward";
            case BACKWARD_DATA -> "BackwardData";
            case BACKWARD_WEIGHT -> "BackwardFilter";
        };
        convolution = handle.cudnn().function("cudnnConvolution" + name);
    }

    /**
     * @param arena of the handle
     * @return empty where no algorithm does it under these conditions
     */
    Optional<Plan> plan(Problem problem, long workspaceLimit, boolean deterministic, Arena arena) {
        Shapes shapes = new Shapes(handle.cudnn());
        Optional<Plan> plan = Optional.empty();
        try {
            shapes.describe(problem);
            plan = choose(shapes, problem, workspaceLimit, deterministic, arena);
        } catch (CudaException e) {
            LOG.debug("{}: {}", problem, e.getMessage());
        } finally {
            if (plan.isEmpty()) shapes.close();
        }
        return plan;
    }

    /** cuDNN lists algorithms best first. */
    private Optional<Plan> choose(Shapes shapes, Problem problem, long workspaceLimit, boolean deterministic, Arena arena) {
        NumberType type = problem.type();
        Fused fused = problem.bias() || problem.residual() || problem.relu() ? Fused.NONE : Fused.ALL;
        try (Arena scratch = Arena.ofConfined()) {
            MemorySegment count = scratch.allocate(JAVA_INT);
            MemorySegment perf = scratch.allocate((long) MOST_ALGORITHMS * PERF_BYTES, Long.BYTES);
            String call = "cudnnGetConvolution" + name + "Algorithm_v7";
            handle.cudnn().check(call, (int) ALGORITHMS.invokeExact(handle.cudnn().function(call), handle.address(), shapes.first(kind),
                    shapes.second(kind), shapes.convolution, shapes.third(kind), MOST_ALGORITHMS, count.address(), perf.address()));
            for (int i = 0; i < count.get(JAVA_INT, 0); i++) {
                MemorySegment one = perf.asSlice((long) i * PERF_BYTES, PERF_BYTES);
                int algorithm = one.get(JAVA_INT, PERF_ALGORITHM);
                int mathType = one.get(JAVA_INT, PERF_MATH_TYPE);
                long workspace = one.get(JAVA_LONG, PERF_MEMORY);
                if (one.get(JAVA_INT, PERF_STATUS) != 0 || (direct >> algorithm & 1) == 0 || workspace > workspaceLimit) continue;
                if (deterministic && one.get(JAVA_INT, PERF_DETERMINISM) != DETERMINISTIC) continue;
                if (mathType == TENSOR_OP_MATH_ALLOW_CONVERSION || type == NumberType.F32 && mathType == TENSOR_OP_MATH) continue;
                if (type != NumberType.F32) shapes.mathType(mathType); // which stays with FMA
                return Optional.of(new Plan(shapes, fused, algorithm, workspace, arena));
            }
            return Optional.empty();
        } catch (Throwable e) {
            throw CudnnLibrary.thrown(e);
        }
    }

    /** An algorithm at work. */
    final class Plan implements CudaDnn.Plan {
        private final Shapes shapes;
        private final Fused fused;
        private final int algorithm;
        private final long workspace;
        private final long one;
        private final long zero;

        private Plan(Shapes shapes, Fused fused, int algorithm, long workspace, Arena arena) {
            this.shapes = shapes;
            this.fused = fused;
            this.algorithm = algorithm;
            this.workspace = workspace;
            one = arena.allocateFrom(JAVA_FLOAT, 1).address();
            zero = arena.allocateFrom(JAVA_FLOAT, 0).address();
        }

        @Override
        public Fused fused() {
            return fused;
        }

        @Override
        public long workspace() {
            return workspace;
        }

        @Override
        public void run(long in, long other, long out, long bias, long residual, long workspace, long stream) {
            boolean weightFirst = kind == Kind.BACKWARD_DATA;
            try {
                int status = (int) CONVOLUTION.invokeExact(convolution, handle.on(stream), one, shapes.first(kind),
                        weightFirst ? other : in, shapes.second(kind), weightFirst ? in : other, shapes.convolution, algorithm, workspace,
                        this.workspace, zero, shapes.third(kind), out);
                handle.cudnn().check("cudnnConvolution", status);
            } catch (Throwable e) {
                throw CudnnLibrary.thrown(e);
            }
        }

        void close() {
            shapes.close();
        }
    }

    /** The four descriptors of a problem. */
    private static final class Shapes implements AutoCloseable {
        private final CudnnLibrary cudnn;
        private final long x;
        private final long y;
        private final long weight;
        private final long convolution;

        Shapes(CudnnLibrary cudnn) {
            this.cudnn = cudnn;
            x = cudnn.create("cudnnCreateTensorDescriptor");
            y = cudnn.create("cudnnCreateTensorDescriptor");
            weight = cudnn.create("cudnnCreateFilterDescriptor");
            convolution = cudnn.create("cudnnCreateConvolutionDescriptor");
        }

        void describe(Problem p) {
            int data = p.type() == NumberType.BF16 ? DATA_BFLOAT16 : DATA_FLOAT;
            set("cudnnSetTensor4dDescriptor", x, NHWC, data, p.n(), p.ci(), p.h(), p.w());
            set("cudnnSetTensor4dDescriptor", y, NHWC, data, p.n(), p.co(), p.oh(), p.ow());
            set("cudnnSetFilter4dDescriptor", weight, data, NHWC, p.co(), p.ci(), p.kh(), p.kw());
            set("cudnnSetConvolution2dDescriptor", convolution, p.pad(), p.pad(), p.stride(), p.stride(), 1, 1, CROSS_CORRELATION,
                    DATA_FLOAT);
            mathType(switch (p.type()) {
                case F32 -> FMA_MATH;
                case TF32 -> DEFAULT_MATH;
                case BF16 -> TENSOR_OP_MATH;
            });
        }

        /** Operands as the calls of a kind take them: the result is the third. */
        long first(Kind kind) {
            return kind == Kind.BACKWARD_DATA ? weight : x;
        }

        long second(Kind kind) {
            return kind == Kind.FORWARD ? weight : y;
        }

        long third(Kind kind) {
            return switch (kind) {
                case FORWARD -> y;
                case BACKWARD_DATA -> x;
                case BACKWARD_WEIGHT -> weight;
            };
        }

        void mathType(int type) {
            set("cudnnSetConvolutionMathType", convolution, type);
        }

        private void set(String call, long descriptor, long... values) {
            Object[] arguments = new Object[values.length + 2];
            arguments[0] = cudnn.function(call);
            arguments[1] = descriptor;
            for (int i = 0; i < values.length; i++) arguments[i + 2] = Math.toIntExact(values[i]);
            try {
                cudnn.check(call, (int) CudnnLibrary.signature("IL" + "I".repeat(values.length)).invokeWithArguments(arguments));
            } catch (Throwable e) {
                throw CudnnLibrary.thrown(e);
            }
        }

        @Override
        public void close() {
            cudnn.destroy("cudnnDestroyConvolutionDescriptor", convolution);
            cudnn.destroy("cudnnDestroyFilterDescriptor", weight);
            cudnn.destroy("cudnnDestroyTensorDescriptor", y);
            cudnn.destroy("cudnnDestroyTensorDescriptor", x);
        }
    }
}
