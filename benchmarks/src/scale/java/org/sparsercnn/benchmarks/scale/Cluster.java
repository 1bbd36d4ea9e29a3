package org.sparsercnn.benchmarks.scale;

/**
 * Nodes of GPUs: a link inside, network cards between.
 *
 * @param perNode GPUs of a node
 * @param cards network cards of a node, each as fast as {@code between}
 * @param startSeconds before the first byte of a sum moves
 */
record Cluster(int perNode, Link inside, Link between, int cards, Algorithm algorithm, double startSeconds) implements AllReduce {
    /**
     * @param bytesPerSecond one way
     * @param hopSeconds from one GPU to the next
     */
    record Link(double bytesPerSecond, double hopSeconds) {}

    /** Which way a sum goes. */
    enum Algorithm {
        /** One ring through all GPUs, for each network card one. */
        ring,
        /** A chain in each node, a tree between the nodes. */
        tree,
        /**
         * Three parts, one after the other: inside the nodes, each GPU left with the sum of its share; between the nodes, each share by
         * itself, by ring or tree; inside again.
         */
        hierarchical,
        /** The quickest, which NCCL looks for, too. */
        best
    }

    Cluster with(Algorithm other) {
        return new Cluster(perNode, inside, between, cards, other, startSeconds);
    }

    @Override
    public double seconds(double bytes, int gpus) {
        if (gpus == 1) {
            return 0;
        }
        return startSeconds + switch (algorithm) {
            case ring -> ring(bytes, gpus);
            case tree -> tree(bytes, gpus);
            case hierarchical -> hierarchical(bytes, gpus);
            case best -> Math.min(hierarchical(bytes, gpus), Math.min(ring(bytes, gpus), tree(bytes, gpus)));
        };
    }

    private int nodes(int gpus) {
        return (gpus + perNode - 1) / perNode;
    }

    /** Every card serves rings of its own, so together they carry what one ring would. */
    private double outward() {
        return cards * between.bytesPerSecond;
    }

    private double slowest(int gpus) {
        return nodes(gpus) == 1 ? inside.bytesPerSecond : Math.min(inside.bytesPerSecond, outward());
    }

    private double ring(double bytes, int gpus) {
        return AllReduce.ring(bytes, gpus, slowest(gpus), 0)
                + 2 * (nodes(gpus) - 1) * between.hopSeconds + 2 * (gpus - nodes(gpus)) * inside.hopSeconds;
    }

    private double tree(double bytes, int gpus) {
        return 2 * bytes / slowest(gpus) + AllReduce.tree(0, nodes(gpus), outward(), between.hopSeconds)
                + 2 * (Math.min(gpus, perNode) - 1) * inside.hopSeconds;
    }

    private double hierarchical(double bytes, int gpus) {
        return AllReduce.ring(bytes, Math.min(gpus, perNode), inside.bytesPerSecond, inside.hopSeconds)
                + AllReduce.best(bytes, nodes(gpus), outward(), between.hopSeconds);
    }
}
