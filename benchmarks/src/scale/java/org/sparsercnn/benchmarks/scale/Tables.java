package org.sparsercnn.benchmarks.scale;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;
import org.sparsercnn.benchmarks.scale.Cluster.Algorithm;
import org.sparsercnn.config.SolverConfig;

/** What {@link Scaling} prints: tables in Markdown. */
final class Tables {
    private static final int[] FEW = {8, 64, 1024};
    private static final double GB = 1e9;

    private final StringBuilder out = new StringBuilder();

    private Tables(String... head) {
        row(head);
        row(Collections.nCopies(head.length, "---:").toArray(String[]::new));
    }

    private void row(String... cells) {
        out.append("| ").append(String.join(" | ", cells)).append(" |\n");
    }

    @Override
    public String toString() {
        return out.toString();
    }

    private static String f(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }

    private static String ms(double seconds) {
        return f("%.2f", seconds * 1e3);
    }

    private static String percent(double part) {
        return f("%.1f %%", 100 * part);
    }

    static String scaling(Plan plan, int[] gpus) {
        Tables table = new Tables("GPUs", "batch", "sums, ms", "exposed, ms", "wait, ms", "efficiency, no overlap", "overlap",
                "images/s, no overlap", "overlap");
        for (int n : gpus) {
            Step step = plan.step(n, true);
            table.row(f("%,d", n), f("%,d", n * plan.batch()), ms(step.sums()), ms(step.exposed()), ms(step.waiting()),
                    percent(plan.efficiency(n, false)), percent(plan.efficiency(n, true)),
                    f("%,.0f", plan.imagesPerSecond(n, false)), f("%,.0f", plan.imagesPerSecond(n, true)));
        }
        return table.toString();
    }

    /** In the order of backward. */
    static String layers(Plan plan) {
        Layers all = plan.layers();
        Tables table = new Tables("group", "trained, M", "MB of gradients", "of all bytes, so far", "of backward, so far", "GMAC forward", "GMAC backward");
        double trained = 0;
        double backward = 0;
        for (Layers.Group g : all.groups().reversed()) {
            trained += g.trained();
            backward += g.backward();
            table.row(g.name(), f("%.2f", g.trained() / 1e6), f("%.1f", g.trained() * plan.valueBytes() / 1e6), percent(trained / all.trained()),
                    percent(backward / all.backward()), f("%.2f", g.forward() / 1e9), f("%.2f", g.backward() / 1e9));
        }
        table.row("all", f("%.2f", trained / 1e6), f("%.1f", plan.gradientBytes() / 1e6), "", "", f("%.2f", all.forward() / 1e9),
                f("%.2f", backward / 1e9));
        return table.toString();
    }

    static String order(Plan plan) {
        Tables table = head("order of the gradients", "exposed, ms", "efficiency");
        List<Plan> orders = List.of(plan, plan.withLayers(plan.layers().evenly()), plan.withLayers(plan.layers().headsLast()));
        List<String> names = List.of("heads first, as it is", "evenly", "heads last");
        for (int i = 0; i < orders.size(); i++) {
            Plan of = orders.get(i);
            table.row(names.get(i), n -> ms(of.step(n, true).exposed()), n -> percent(of.efficiency(n, true)));
        }
        return table.toString();
    }

    private static Tables head(String first, String... columns) {
        List<String> cells = new ArrayList<>(List.of(first));
        for (String column : columns) {
            Arrays.stream(FEW).forEach(n -> cells.add((n == FEW[0] ? column + ": " : "") + f("%,d GPUs", n)));
        }
        return new Tables(cells.toArray(String[]::new));
    }

    @SafeVarargs
    private void row(String first, IntFunction<String>... columns) {
        List<String> cells = new ArrayList<>(List.of(first));
        for (var column : columns) {
            Arrays.stream(FEW).forEach(n -> cells.add(column.apply(n)));
        }
        row(cells.toArray(String[]::new));
    }

    /** One after the other, each on top of those before. */
    static String remedies(Plan plan) {
        List<String> cells = new ArrayList<>(List.of("efficiency"));
        for (Links link : Links.values()) {
            for (int n : new int[] {64, 1024}) {
                cells.add(f("%s, %,d", link.name().toLowerCase(Locale.ROOT), n));
            }
        }
        Tables table = new Tables(cells.toArray(String[]::new));
        Algorithm ring = Algorithm.ring;
        Algorithm best = Algorithm.best;
        table.remedy(f("one ring, no overlap, fp32, %d images a GPU", plan.batch()), plan.withValues(4), ring, false);
        table.remedy("overlap", plan.withValues(4), ring, true);
        table.remedy("and hierarchical sums", plan.withValues(4), Algorithm.hierarchical, true);
        table.remedy("or a tree between the nodes, where it is quicker", plan.withValues(4), best, true);
        table.remedy("and bf16 on the link", plan.withValues(2), best, true);
        table.remedy("and 8 images a GPU", plan.withBatch(8).withValues(2), best, true);
        table.remedy("and 32 images a GPU", plan.withBatch(32).withValues(2), best, true);
        return table.toString();
    }

    private void remedy(String name, Plan plan, Algorithm algorithm, boolean overlap) {
        List<String> cells = new ArrayList<>(List.of(name));
        for (Links link : Links.values()) {
            for (int n : new int[] {64, 1024}) {
                cells.add(percent(plan.withLink(link.cluster(algorithm)).efficiency(n, overlap)));
            }
        }
        row(cells.toArray(String[]::new));
    }

    static String buckets(Plan plan, int[] megabytes) {
        Tables table = head("MB a bucket", "sums, ms", "exposed, ms");
        for (int mb : megabytes) {
            Plan of = plan.withBuckets((long) mb << 20);
            table.row(f("%,d", mb), n -> ms(of.step(n, true).sums()), n -> ms(of.step(n, true).exposed()));
        }
        return table.toString();
    }

    static String compute(Plan plan, double[] teraflops) {
        Tables table = head("TFLOP/s sustained", "ms a step", "efficiency");
        for (double t : teraflops) {
            Plan of = plan.withImageSeconds(plan.layers().flop() / (t * 1e12));
            table.row(f("%.0f", t), n -> ms(of.step(n, true).seconds()), n -> percent(of.efficiency(n, true)));
        }
        return table.toString();
    }

    /** GPUs, with how many images each. */
    static String schedule(Plan plan, SolverConfig solver, int[][] gpusAndImages, double watts) {
        Tables table = new Tables("GPUs", "images a GPU", "batch", "steps", "ms a step", "minutes", "kWh", "rate, by the root", "rate, linear");
        long images = (long) solver.maxIter() * solver.imsPerBatch();
        for (int[] each : gpusAndImages) {
            Plan of = plan.withBatch(each[1]);
            long batch = (long) each[0] * each[1];
            long steps = (images + batch - 1) / batch;
            double seconds = of.step(each[0], true).seconds();
            double times = (double) batch / solver.imsPerBatch();
            table.row(f("%,d", each[0]), f("%d", each[1]), f("%,d", batch), f("%,d", steps), ms(seconds), f("%,.1f", steps * seconds / 60),
                    f("%.1f", steps * seconds * each[0] * watts / 3.6e6), f("%.1e", solver.baseLr() * Math.sqrt(times)),
                    f("%.1e", solver.baseLr() * times));
        }
        return table.toString();
    }

    /**
     * @param peakOne bytes in use at the worst moment of a step with one image, measured
     * @param peakTwo with two
     */
    static String memory(Plan plan, double peakOne, double peakTwo, int[] batches) {
        Layers all = plan.layers();
        double weights = 4.0 * all.weights();
        double gradients = 4.0 * all.trained();
        double image = peakTwo - peakOne;
        double copies = plan.valueBytes() == 4 ? 0 : plan.gradientBytes();
        Tables table = new Tables("images a GPU", "weights", "gradients", "AdamW's two", "bf16 copies", "per image", "together, GB");
        for (int batch : batches) {
            double perImage = peakOne + (batch - 1) * image - weights - 3 * gradients;
            table.row(f("%d", batch), f("%.2f", weights / GB), f("%.2f", gradients / GB), f("%.2f", 2 * gradients / GB), f("%.2f", copies / GB),
                    f("%.2f", perImage / GB), f("%.2f", (weights + 3 * gradients + copies + perImage) / GB));
        }
        return table.toString();
    }
}
