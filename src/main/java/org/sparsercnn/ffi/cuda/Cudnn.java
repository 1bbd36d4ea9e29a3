package org.sparsercnn.ffi.cuda;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Convolutions by cuDNN 9: from plans kept on disk, else by its graph API with as much of the epilogue as one graph takes, else by
 * its classic calls. Belongs to one device, and serves one thread at a time.
 */
public final class Cudnn implements CudaDnn {
    private static final Logger LOG = LoggerFactory.getLogger(Cudnn.class);

    private final CudnnLibrary cudnn;
    private final CudnnHandle handle;
    private final CudnnGraph graph;
    private final String gpu;
    private final Optional<CudnnPlanCache> cache;
    private final List<Runnable> closing = new ArrayList<>();
    private final Arena arena = Arena.ofShared();

    /**
     * Makes a handle in the context that is current; plans are kept below this user's cache folder.
     *
     * @param library as {@link CudaLibraries} found it
     * @param gpu the device's name, for the plans' sake
     * @throws org.sparsercnn.util.BadInput where it is not cuDNN 9
     * @throws CudaException where cuDNN cannot work on this device
     */
    public static Cudnn open(CudaLibraries.Found library, String gpu) {
        return new Cudnn(library, gpu, CudnnPlanCache.ofThisUser());
    }

    Cudnn(CudaLibraries.Found library, String gpu, Optional<CudnnPlanCache> cache) {
        this.gpu = gpu;
        this.cache = cache;
        cudnn = new CudnnLibrary(library);
        handle = new CudnnHandle(cudnn);
        graph = new CudnnGraph(cudnn, new CudnnGraph.Target.Device(handle));
    }

    @Override
    public String description() {
        return "cuDNN " + cudnn.versionText();
    }

    @Override
    public Plan plan(Problem problem, long workspaceLimit, boolean deterministic) {
        if (problem.kind() != Kind.FORWARD && (problem.bias() || problem.residual() || problem.relu())) {
            throw new IllegalArgumentException("only a forward convolution has an epilogue: " + problem);
        }
        String key = problem + " workspace<=" + workspaceLimit + (deterministic ? " deterministic" : "") + " cuDNN " + cudnn.version()
                + " " + gpu;
        Optional<Plan> restored = restored(key, problem, workspaceLimit);
        if (restored.isPresent()) return restored.get();
        for (Fused fused : fusions(problem)) {
            Optional<CudnnGraph.Chosen> chosen = graph.plan(problem, fused, workspaceLimit, deterministic);
            if (chosen.isEmpty()) continue;
            CudnnGraphPlan plan = ready(chosen.get(), problem, fused);
            store(key, plan);
            return plan;
        }
        CudnnClassic.Plan classic = new CudnnClassic(handle, problem.kind()).plan(problem, workspaceLimit, deterministic, arena)
                .orElseThrow(() -> new CudaException("cuDNN", "cudnnGetConvolutionAlgorithm", 3000, "CUDNN_STATUS_NOT_SUPPORTED",
                        "no engine and no algorithm does " + problem + " with a workspace of at most " + workspaceLimit + " bytes"));
        LOG.debug("{}: by classic calls, workspace {}", problem, classic.workspace());
        closing.add(classic::close);
        return classic;
    }

    /** Ways to split the epilogue between cuDNN and the caller, the best first. */
    private static List<Fused> fusions(Problem problem) {
        boolean more = problem.residual() || problem.relu();
        if (problem.bias()) return more ? List.of(Fused.ALL, Fused.BIAS, Fused.NONE) : List.of(Fused.ALL, Fused.NONE);
        return more ? List.of(Fused.ALL, Fused.NONE) : List.of(Fused.ALL);
    }

    private Optional<Plan> restored(String key, Problem problem, long workspaceLimit) {
        Optional<CudnnPlanCache.Entry> entry = cache.flatMap(plans -> plans.find(key));
        if (entry.isEmpty() || !fusions(problem).contains(entry.get().fused())) return Optional.empty();
        try {
            CudnnGraph.Chosen chosen = graph.restore(entry.get().plan());
            if (chosen.workspace() <= workspaceLimit) return Optional.of(ready(chosen, problem, entry.get().fused()));
            chosen.close();
        } catch (CudaException e) {
            LOG.debug("{}: a plan from disk is of no use: {}", problem, e.getMessage());
        }
        return Optional.empty();
    }

    private void store(String key, CudnnGraphPlan plan) {
        if (cache.isEmpty()) return;
        try {
            cache.get().store(key, new CudnnPlanCache.Entry(plan.fused(), plan.json()));
        } catch (CudaException e) {
            LOG.debug("this engine's plans cannot be kept: {}", e.getMessage());
        }
    }

    private CudnnGraphPlan ready(CudnnGraph.Chosen chosen, Problem problem, Fused fused) {
        LOG.debug("{}: {}, fuses {}, workspace {}", problem, chosen.engine(), fused, chosen.workspace());
        CudnnGraphPlan plan = new CudnnGraphPlan(handle, chosen, problem, fused, arena);
        closing.add(plan::close);
        return plan;
    }

    /** The device must have done all work of the plans. */
    @Override
    public void close() {
        closing.reversed().forEach(Runnable::run);
        closing.clear();
        handle.close();
        arena.close();
    }
}
