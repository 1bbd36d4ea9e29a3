package org.sparsercnn.dist;

import java.util.Map;
import java.util.Optional;
import org.sparsercnn.util.BadInput;

/**
 * How the ranks of a run were started, and which of them this process has.
 *
 * @param first this process's first rank
 * @param here how many ranks it has, one after the other
 * @param local place of its first rank among those of this machine, as far as the launcher tells
 * @param localSize ranks on this machine, likewise
 * @param url where rank 0 waits; empty where it need not or where it is told by MPI
 * @param secret what all processes of the job know
 */
public record Launch(Kind kind, int size, int first, int here, int local, int localSize, Optional<DistUrl> url, String secret) {
    /** Who started the processes. */
    public enum Kind {
        /** This process is all there is; its ranks are threads. */
        ONE_PROCESS,
        /** mpirun or its like, one rank a process: MPI brings them together. */
        MPI,
        /** Someone else: they meet at {@link #url}. */
        RENDEZVOUS
    }

    /** The processes' own secret, for launchers that give none. */
    static final String TOKEN = "SPARSERCNN_JOB_TOKEN";
    private static final int USUAL_PORT = 29_500;
    private static final int PORTS = 1000;

    /**
     * What the command line says; what is not said has detectron2's default.
     *
     * @param numGpus ranks on each machine
     * @param url {@code auto}: as the launcher has it
     */
    public record Options(Optional<Integer> numGpus, int numMachines, int machineRank, String url) {
        public static final String AUTO = "auto";
        public static final Options NONE = new Options(Optional.empty(), 1, 0, AUTO);

        int ranksHere() {
            return numGpus.orElse(1);
        }

        Optional<DistUrl> parsed() {
            return url.equals(AUTO) ? Optional.empty() : Optional.of(DistUrl.parse(url));
        }
    }

    /** One rank, one process. */
    public static Launch alone() {
        return threads(1);
    }

    /** Ranks that are threads of this process. */
    public static Launch threads(int count) {
        return new Launch(Kind.ONE_PROCESS, count, 0, count, 0, count, Optional.empty(), "");
    }

    /**
     * Options first, then what launchers leave in the environment: torchrun's RANK and its like, Open MPI's, Slurm's.
     *
     * @throws BadInput for options that contradict each other or the environment
     */
    public static Launch of(Options options, Map<String, String> variables) {
        if (options.ranksHere() < 1) {
            throw BadInput.of("--num-gpus %d: at least 1", options.ranksHere());
        }
        if (options.numMachines < 1) {
            throw BadInput.of("--num-machines %d: at least 1", options.numMachines);
        }
        if (options.machineRank < 0 || options.machineRank >= options.numMachines) {
            throw BadInput.of("--machine-rank %d: counted from 0, below --num-machines %d", options.machineRank, options.numMachines);
        }
        Launch launch = of(options, new Variables(variables));
        if (launch.kind == Kind.RENDEZVOUS && launch.url.orElseThrow().port() == 0) {
            throw BadInput.of("--dist-url %s: port 0 is any free one, which the other processes cannot know; choose one", launch.url.get());
        }
        return launch;
    }

    private static Launch of(Options options, Variables env) {
        if (options.numMachines > 1) {
            return byOptions(options, env);
        }
        if (env.has("OMPI_COMM_WORLD_SIZE")) {
            refuseRanksHere(options, "mpirun");
            return new Launch(Kind.MPI, env.number("OMPI_COMM_WORLD_SIZE"), env.number("OMPI_COMM_WORLD_RANK"), 1, env.number("OMPI_COMM_WORLD_LOCAL_RANK"),
                    env.number("OMPI_COMM_WORLD_LOCAL_SIZE"), options.parsed(), "");
        }
        if (env.has("WORLD_SIZE") && env.has("RANK") && env.number("WORLD_SIZE") > 1) {
            refuseRanksHere(options, "torchrun");
            return byTorchrun(options, env);
        }
        if (env.has("SLURM_STEP_NUM_TASKS") && env.number("SLURM_STEP_NUM_TASKS") > 1) {
            refuseRanksHere(options, "srun");
            return bySlurm(options, env);
        }
        return threads(options.ranksHere());
    }

    private static void refuseRanksHere(Options options, String launcher) {
        if (options.ranksHere() > 1) {
            throw BadInput.of("--num-gpus %d: this process is one of several that %s started, each of them one rank; leave --num-gpus out, and have"
                    + " %s start a process for each GPU", options.ranksHere(), launcher, launcher);
        }
    }

    private static Launch byOptions(Options options, Variables env) {
        DistUrl url = options.parsed().orElseThrow(() -> BadInput.of("--num-machines %d: --dist-url is missing; give all machines the address and a free port"
                + " of the machine with --machine-rank 0, such as --dist-url tcp://10.0.0.1:%d", options.numMachines, USUAL_PORT));
        int here = options.ranksHere();
        return new Launch(Kind.RENDEZVOUS, here * options.numMachines, here * options.machineRank, here, 0, here, Optional.of(url), env.text(TOKEN, ""));
    }

    /** torchrun's agent may keep MASTER_PORT for itself: then the next one is ours. */
    private static Launch byTorchrun(Options options, Variables env) {
        boolean taken = env.text("TORCHELASTIC_USE_AGENT_STORE", "").equalsIgnoreCase("True");
        DistUrl url = options.parsed().orElseGet(() -> new DistUrl(env.required("MASTER_ADDR"), env.number("MASTER_PORT") + (taken ? 1 : 0)));
        int local = env.has("LOCAL_RANK") ? env.number("LOCAL_RANK") : 0;
        int localSize = env.has("LOCAL_WORLD_SIZE") ? env.number("LOCAL_WORLD_SIZE") : local + 1;
        return new Launch(Kind.RENDEZVOUS, env.number("WORLD_SIZE"), env.number("RANK"), 1, local, localSize, Optional.of(url),
                env.text(TOKEN, env.text("TORCHELASTIC_RUN_ID", "")));
    }

    /** Where srun speaks PMIx ({@code --mpi=pmix}), Open MPI finds the others by itself. */
    private static Launch bySlurm(Options options, Variables env) {
        int size = env.number("SLURM_STEP_NUM_TASKS");
        int rank = env.number("SLURM_PROCID");
        int local = env.has("SLURM_LOCALID") ? env.number("SLURM_LOCALID") : 0;
        int localSize = Math.max(local + 1, SlurmHosts.tasksHere(env.text("SLURM_STEP_TASKS_PER_NODE", ""), env.text("SLURM_NODEID", "0")));
        if (env.has("PMIX_RANK")) {
            return new Launch(Kind.MPI, size, rank, 1, local, localSize, options.parsed(), "");
        }
        String job = env.text("SLURM_JOB_ID", "0");
        String step = env.text("SLURM_STEP_ID", "0");
        DistUrl url = options.parsed().orElseGet(() -> new DistUrl(SlurmHosts.first(env.text("SLURM_STEP_NODELIST", env.text("SLURM_JOB_NODELIST", ""))),
                USUAL_PORT + Math.floorMod((job + "." + step).hashCode(), PORTS)));
        return new Launch(Kind.RENDEZVOUS, size, rank, 1, local, localSize, Optional.of(url), env.text(TOKEN, "slurm " + job + "." + step));
    }

    public boolean isMain() {
        return first == 0;
    }

    /** For people: "2 processes by mpirun". */
    public String describe() {
        int processes = size / here;
        return switch (kind) {
            case ONE_PROCESS -> here + (here == 1 ? " rank" : " ranks") + " in one process";
            case MPI -> size + (size == 1 ? " process" : " processes") + ", brought together by MPI";
            case RENDEZVOUS -> processes + " processes, which meet at " + url.orElseThrow();
        };
    }

    /** The environment of a process. */
    private record Variables(Map<String, String> all) {
        boolean has(String name) {
            return all.containsKey(name);
        }

        String text(String name, String otherwise) {
            return all.getOrDefault(name, otherwise);
        }

        String required(String name) {
            String value = all.get(name);
            if (value == null || value.isBlank()) {
                throw BadInput.of("the environment has RANK and WORLD_SIZE, as torchrun sets them, but no %s; set it, or start one process alone without"
                        + " them", name);
            }
            return value;
        }

        int number(String name) {
            String value = all.getOrDefault(name, "").strip();
            if (!value.matches("\\d{1,9}")) {
                throw BadInput.of("the environment variable %s is '%s'; a number was expected, as the launcher sets it", name, value);
            }
            return Integer.parseInt(value);
        }
    }
}
