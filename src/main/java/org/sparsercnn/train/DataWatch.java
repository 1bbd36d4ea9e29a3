package org.sparsercnn.train;

import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says in plain words when training waits for its data, and when far fewer workers would do. It looks at every {@value #WINDOW}
 * steps, and repeats itself only after ten times as many.
 */
public final class DataWatch implements Hook {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");
    private static final int WINDOW = 200;
    /** Their time is that of compiling, of first allocations, and of a queue that is still empty. */
    private static final int WARMUP = 20;
    /** Share of a step from which on waiting for data is worth a warning: on a CPU workers take their time from the computation. */
    private static final double GPU_WAITS = 0.1;
    private static final double CPU_WAITS = 0.25;
    /** Share below which there is no waiting. */
    private static final double NEVER_WAITS = 0.01;
    private static final double FULL = 0.9;
    /** Workers that are busy all the time, times this, leave room for images that take longer. */
    private static final double RESERVE = 1.5;

    /** What there is to say. */
    enum Verdict { WAITS_FOR_DATA, WORKERS_IDLE }

    private final boolean gpu;
    private final int workers;
    private final int ranks;
    private final int cpus;
    private final Map<Verdict, Long> sayFrom = new EnumMap<>(Verdict.class);
    private long steps;
    private double time;
    private double dataTime;
    private long images;
    private long ready;
    private long capacity;
    private double workBefore;

    /**
     * @param gpu whether what waits is a GPU
     * @param workers DATALOADER.NUM_WORKERS, of each rank
     * @param ranks in this process
     * @param cpus that the process may use
     */
    public DataWatch(boolean gpu, int workers, int ranks, int cpus) {
        this.gpu = gpu;
        this.workers = workers;
        this.ranks = ranks;
        this.cpus = cpus;
    }

    @Override
    public void afterStep(Progress p) {
        steps++;
        if (steps <= WARMUP) {
            workBefore = p.queue().workSeconds();
            return;
        }
        time += p.seconds();
        dataTime += p.dataSeconds();
        images += p.images() / ranks;
        ready += p.queue().ready();
        capacity += p.queue().capacity();
        if ((steps - WARMUP) % WINDOW == 0) {
            judge(p.queue().workSeconds() - workBefore);
            workBefore = p.queue().workSeconds();
            time = 0;
            dataTime = 0;
            images = 0;
            ready = 0;
            capacity = 0;
        }
    }

    /** @param work seconds that this rank's workers spent on images */
    private void judge(double work) {
        double share = dataTime / time;
        int enough = Math.max(1, (int) Math.ceil(RESERVE * work / time));
        if (share >= (gpu ? GPU_WAITS : CPU_WAITS)) {
            if (isNews(Verdict.WAITS_FOR_DATA)) {
                LOG.warn("{} waits for data: {} (data_time is {} % of a step{})", gpu ? "The GPU" : "Training", remedy(work), Math.round(100 * share),
                        workers == 0 ? "" : ", " + queue());
            }
        } else if (share < NEVER_WAITS && ready >= FULL * capacity && 2 * enough <= workers && isNews(Verdict.WORKERS_IDLE)) {
            LOG.info("Data workers are idle: DATALOADER.NUM_WORKERS {} would do (now {}; {}, no waiting for data)", enough, workers, queue());
        }
    }

    private String queue() {
        return Math.round((double) ready / WINDOW) + " of " + Math.round((double) capacity / WINDOW) + " images ready";
    }

    private String remedy(double work) {
        if (workers == 0) {
            return "raise DATALOADER.NUM_WORKERS, which is 0, so that images are prepared while the step before is computed";
        }
        if (workers * ranks < cpus) {
            return "raise DATALOADER.NUM_WORKERS, now " + workers + ", with " + cpus + " CPUs";
        }
        return String.format(Locale.ROOT, "there are as many workers as CPUs, %d, and an image takes one of them %.0f ms. See doctor for libturbojpeg;"
                + " lower INPUT.MIN_SIZE_TRAIN, or use images that are stored smaller; more DATALOADER.NUM_WORKERS help only where reading is slow",
                cpus, 1000 * work / images);
    }

    private boolean isNews(Verdict verdict) {
        boolean news = steps >= sayFrom.getOrDefault(verdict, 0L);
        if (news) {
            sayFrom.put(verdict, 10 * steps);
        }
        return news;
    }
}
