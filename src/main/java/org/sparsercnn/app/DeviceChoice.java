package org.sparsercnn.app;

import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.device.cuda.CudaDevices;
import org.sparsercnn.device.cuda.CudaOptions;
import org.sparsercnn.dist.Launch;
import org.sparsercnn.ffi.cuda.CudaLibraries;
import org.sparsercnn.ffi.cuda.Nccl;
import org.sparsercnn.model.Predictor;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.util.BadInput;

/**
 * Which device a run uses, and how.
 *
 * @param device {@code auto}, {@code cpu}, {@code cuda} or {@code cuda:N}; empty: as the config says, else {@code auto}
 * @param threads CPU threads; empty: all the process may use
 * @param deterministic only kernels and algorithms whose results are equal from run to run; the CPU has no others
 * @param recording whether a device that can records the launches of inference and replays them (CUDA graphs)
 */
public record DeviceChoice(Optional<String> device, Optional<Integer> threads, boolean deterministic, boolean recording) {
    /** Sizes of batches whose launches are kept: COCO's photographs have about as many after resizing. */
    private static final int RECORDINGS = 24;
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn");
    private static final String CPU = "cpu";
    private static final String CUDA = "cuda";
    private static final String AUTO = "auto";

    public DeviceChoice(Optional<String> device, Optional<Integer> threads) {
        this(device, threads, false, true);
    }

    /** For one rank in one process. */
    public void check(Config config, int replicas) {
        check(config, Launch.threads(replicas));
    }

    /** What can be refused before a config is read, and before other processes are waited for. */
    void check(Launch launch) {
        if (threads.isPresent() && threads.get() < 1) {
            throw BadInput.of("--threads %d: at least 1", threads.get());
        }
        if (launch.kind() == Launch.Kind.RENDEZVOUS && device.equals(Optional.of(CPU))) {
            throw new BadInput("--device cpu in several processes: on the CPU ranks talk to each other by MPI; start them with mpirun. On GPUs they talk by NCCL.");
        }
    }

    /**
     * Refuses what {@link #open} could not give, before anything expensive starts.
     *
     * @param launch its ranks of this process: a GPU each, unless the CPU was asked for by name
     */
    public void check(Config config, Launch launch) {
        check(launch);
        int replicas = launch.here();
        if (replicas < 1) {
            throw BadInput.of("--num-gpus %d: at least 1", replicas);
        }
        String asked = asked(config);
        String source = device.isPresent() ? "--device " : config.place("MODEL.DEVICE").map(p -> p + ": ").orElse("") + "MODEL.DEVICE ";
        if (!asked.matches("auto|cpu|cuda(:\\d+)?")) {
            throw BadInput.of("%s%s: no such device; one of cpu, cuda, cuda:N, auto", source, asked);
        }
        if (asked.startsWith(CUDA)) {
            checkGpus(source + asked, asked, replicas);
        } else if (asked.equals(AUTO) && (replicas > 1 || launch.kind() == Launch.Kind.RENDEZVOUS)) {
            checkSeveral(gpusForAuto(replicas), replicas);
        }
    }

    /**
     * NCCL's id, made where the ranks may compute on GPUs; zeros elsewhere.
     *
     * @throws BadInput when it is made, where nothing but GPUs will do and NCCL is missing
     */
    Supplier<byte[]> ncclId(Launch launch) {
        if (launch.kind() != Launch.Kind.MPI) {
            return () -> new Nccl().uniqueId();
        }
        return () -> {
            try {
                return hasDriver() && !device.equals(Optional.of(CPU)) ? new Nccl().uniqueId() : new byte[Nccl.UNIQUE_ID_BYTES];
            } catch (BadInput e) { // said again by a rank that computes on a GPU, if one does
                return new byte[Nccl.UNIQUE_ID_BYTES];
            }
        };
    }

    private static boolean hasDriver() {
        return CudaLibraries.ofThisMachine().find(CudaLibraries.Library.CUDA) instanceof CudaLibraries.Found;
    }

    /** @param source where and how they were asked for */
    private static void checkGpus(String source, String asked, int replicas) {
        int gpus = gpus(source);
        if (replicas > 1 && asked.contains(":")) {
            throw BadInput.of("%s and --num-gpus %d: several GPUs are the first ones, from cuda:0; name no number (CUDA_VISIBLE_DEVICES chooses"
                    + " others), or leave --num-gpus out", source, replicas);
        }
        if (ordinal(asked) >= gpus) {
            throw BadInput.of("%s: %s found, counted from cuda:0", source, counted(gpus));
        }
        if (replicas > 1) {
            checkSeveral(gpus, replicas);
        }
    }

    private static void checkSeveral(int gpus, int replicas) {
        if (replicas > gpus) {
            throw BadInput.of("--num-gpus %d: %d GPUs asked for, %s found", replicas, replicas, counted(gpus));
        }
        new Nccl(); // refuses where there is none
    }

    private static String counted(int gpus) {
        return gpus + " GPU" + (gpus == 1 ? "" : "s");
    }

    private static int gpusForAuto(int replicas) {
        try {
            return CudaDevices.ofThisMachine().list().size();
        } catch (BadInput e) {
            throw new BadInput("--num-gpus " + replicas + ": " + replicas + " GPUs asked for, none found; --device cpu makes " + replicas
                    + " replicas in this process\n" + e.getMessage(), e);
        }
    }

    /** @param asked where and how one was asked for */
    private static int gpus(String asked) {
        try {
            return CudaDevices.ofThisMachine().list().size();
        } catch (BadInput e) {
            throw new BadInput(e.getMessage() + "\n" + asked + " wants a GPU; --device cpu computes on the CPU", e);
        }
    }

    private static int ordinal(String asked) {
        String number = asked.substring(CUDA.length()).replace(":", "");
        try {
            return number.isEmpty() ? 0 : Integer.parseInt(number);
        } catch (NumberFormatException e) { // too long for an int, so surely too large
            return Integer.MAX_VALUE;
        }
    }

    private String asked(Config config) {
        return device.or(config::device).orElse(AUTO);
    }

    /** CPU threads for the whole run. */
    public int cpuThreads() {
        return threads.orElse(Runtime.getRuntime().availableProcessors());
    }

    /** For one rank in one process. */
    public Device open(Config config, int rank, int replicas) {
        return open(config, Launch.threads(replicas), rank);
    }

    /**
     * Opens the device of one of a process's ranks. What was asked for by name is opened or refused; {@code auto} takes a GPU and, where
     * there is none, the CPU; where it cannot be used, so does a rank that is alone. On the CPU ranks share the machine's threads.
     *
     * @param place among the process's ranks
     */
    Device open(Config config, Launch launch, int place) {
        String asked = asked(config);
        if (asked.equals(CPU) || asked.equals(AUTO) && launch.kind() != Launch.Kind.RENDEZVOUS && launch.here() == 1 && !hasDriver()) {
            return cpu(launch.local() + place, launch.localSize());
        }
        if (launch.size() > 1) {
            return gpu(config, asked.contains(":") ? ordinal(asked) : gpuOf(launch.local() + place));
        }
        return asked.equals(AUTO) ? auto(config) : gpu(config, ordinal(asked));
    }

    /** A launcher may show each process all GPUs of the machine, or its own alone. */
    private static int gpuOf(int local) {
        int gpus = CudaDevices.ofThisMachine().list().size();
        if (local >= gpus && gpus != 1) {
            throw BadInput.of("this is rank %d of this machine, counted from 0, which has %s: start one rank a GPU", local, counted(gpus));
        }
        return gpus == 1 ? 0 : local;
    }

    private Device auto(Config config) {
        try {
            return gpu(config, 0);
        } catch (BadInput e) {
            LOG.warn("Computing on the CPU, since NVIDIA's driver is here but no GPU can be used: {}", e.getMessage());
            return cpu(0, 1);
        }
    }

    private Device gpu(Config config, int ordinal) {
        return CudaDevices.ofThisMachine().open(new CudaOptions(ordinal, config.allowsTf32(), deterministic));
    }

    /** A launcher that binds each process to CPUs of its own has divided them already. */
    private Device cpu(int rank, int ranks) {
        int usable = Runtime.getRuntime().availableProcessors();
        boolean divided = ranks > 1 && usable * ranks <= Machine.ofThisProcess().cpuCount();
        int share = divided ? cpuThreads() : Math.max(1, cpuThreads() / ranks);
        // Pinning more threads than there are CPUs would stack them.
        boolean pinned = !divided && share * ranks <= usable;
        return new CpuDevice(share, pinned ? rank * share : divided && share <= usable ? 0 : -1);
    }

    /**
     * A detector of objects with {@code model}, whose weights must not change until it is closed. Test-time augmentation records
     * nothing: the sizes of a few images are more than are kept, so that passes would be recorded and never replayed.
     *
     * @param augmented with test-time augmentation as TEST.AUG describes it
     */
    Detector detector(Config config, SparseRcnn model, boolean augmented) {
        Predictor predictor = new Predictor(model, new Predictor.Settings(Compute.of(config, model.device()), recording && !augmented ? RECORDINGS : 0));
        return augmented ? new AugmentedDetector(predictor, model.config().sparseRcnn(), TestTimeAugmentation.of(config))
                : new PlainDetector(predictor, model.config().sparseRcnn());
    }
}
