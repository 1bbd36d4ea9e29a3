package org.sparsercnn.benchmarks.scale;

import org.sparsercnn.benchmarks.scale.Cluster.Link;

/** Links between nodes of eight H200, and the one inside. What is published or assumed stands beside each; docs/scale.md has the sources. */
enum Links {
    /** A 400 Gb/s InfiniBand card for every GPU: NVIDIA's engineers expect 46 to 48 GB/s of each (nccl-tests, issue 290). */
    IB8(8, new Link(48e9, Links.NETWORK_HOP_SECONDS)),
    /** One such card for the node. */
    IB1(1, new Link(48e9, Links.NETWORK_HOP_SECONDS)),
    /** One 100 Gb/s Ethernet card for the node: its line rate; the hop is assumed. */
    ETHERNET(1, new Link(12.5e9, 30e-6));

    static final int GPUS_PER_NODE = 8;
    /** Bus bandwidth of all_reduce_perf on eight H200 (nccl-tests, issue 272); the hop is NCCL's own estimate. */
    static final Link NVLINK = new Link(475e9, 3.4e-6);

    /** NCCL's own estimates for its rings of large sums, src/graph/tuning.cc. */
    private static final double NETWORK_HOP_SECONDS = 14e-6;
    private static final double START_SECONDS = 8.4e-6;

    private final int cards;
    private final Link between;

    Links(int cards, Link between) {
        this.cards = cards;
        this.between = between;
    }

    Cluster cluster(Cluster.Algorithm algorithm) {
        return new Cluster(GPUS_PER_NODE, NVLINK, between, cards, algorithm, START_SECONDS);
    }
}
