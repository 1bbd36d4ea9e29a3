package org.sparsercnn.kernels;

import java.util.List;

/**
 * In which order emulated blocks and their threads take their turns.
 *
 * @param threads of a block, a multiple of 32
 */
public record Schedule(Order order, long seed, int threads) {
    /** As {@code native/emulator} numbers them. */
    public enum Order {
        FORWARD, BACKWARD, SEEDED
    }

    /** The orders every kernel is run in; a race that is there shows in one of them. */
    public static List<Schedule> all(int threads) {
        return List.of(new Schedule(Order.FORWARD, 0, threads), new Schedule(Order.BACKWARD, 0, threads),
                new Schedule(Order.SEEDED, 1, threads), new Schedule(Order.SEEDED, 2, threads));
    }

    @Override
    public String toString() {
        return order.name().toLowerCase() + (order == Order.SEEDED ? " " + seed : "") + ", blocks of " + threads;
    }
}
