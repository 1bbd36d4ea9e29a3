package org.sparsercnn.device;

/** Communication of one rank with the others of its group. Every rank makes the same calls in the same order. */
public interface Collective {
    int rank();

    int size();

    /** Replaces {@code count} fp32 values on every rank by their sum over the ranks, added in rank order. */
    void allReduceSum(Pointer values, long count);

    /** Copies {@code bytes} from rank {@code root} to all. */
    void broadcast(Pointer values, long bytes, int root);

    /** Returns when every rank has called it. */
    void barrier();
}
