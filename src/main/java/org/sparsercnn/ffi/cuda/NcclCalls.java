package org.sparsercnn.ffi.cuda;

/**
 * NVIDIA's collectives, as far as this program uses them. A communicator is a long, belongs to the device whose context is current
 * when it is made, and never blocks its caller: a call may return before it is done, and the next one may be made only once
 * {@link #isReady} says so. Collectives are queued on a stream, every rank's in the same order.
 *
 * <p>A call that fails throws {@link CudaException} with the library's words.
 */
public interface NcclCalls {
    /** A token that one rank makes and gives to all others: 128 bytes. */
    byte[] uniqueId();

    /** Begins to join a communicator of {@code ranks} ranks, which is ready when all of them have come. */
    long commInit(int ranks, byte[] uniqueId, int rank);

    /**
     * Whether what was called last is done, as far as the host has a part in it: a collective is queued then.
     *
     * @throws CudaException where something went wrong behind an earlier call, as when another rank has gone
     */
    boolean isReady(long comm);

    /**
     * The sum over the ranks. {@code receive} may be {@code send}.
     *
     * @param type as it lies in memory; bf16 is added in the library's precision
     */
    void allReduceSum(long send, long receive, long count, NumberType type, long comm, long stream);

    /**
     * The sum over the ranks, a piece for each.
     *
     * @param send as many pieces as there are ranks
     * @param receive this rank's piece of the sum
     * @param count values in a piece
     */
    void reduceScatterSum(long send, long receive, long count, NumberType type, long comm, long stream);

    /**
     * The pieces of all ranks, in rank order.
     *
     * @param send this rank's piece
     * @param bytes of a piece
     */
    void allGather(long send, long receive, long bytes, long comm, long stream);

    /** Bytes of rank {@code root} to all; {@code receive} may be {@code send}. */
    void broadcast(long send, long receive, long bytes, int root, long comm, long stream);

    /** Begins to end a communicator whose work is done; {@link #commDestroy} may follow when it is ready. */
    void commFinalize(long comm);

    /** Frees a communicator. */
    void commDestroy(long comm);

    /** Ends what is queued, wherever it waits, and frees the communicator, whatever the other ranks do. */
    void commAbort(long comm);
}
