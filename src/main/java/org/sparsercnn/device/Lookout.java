package org.sparsercnn.device;

/** Whom a {@link Collective} asks while it waits for other ranks: whether waiting still makes sense. */
public interface Lookout {
    /** For groups whose ranks cannot be lost one by one. */
    Lookout NONE = () -> new Wait() {
        @Override
        public void check() {}

        @Override
        public void close() {}
    };

    /** A wait, from its beginning to {@link #close}. */
    interface Wait extends AutoCloseable {
        /** @throws org.sparsercnn.util.GuardStop (or BadInput, before the run has begun) once a rank is known to be lost, or to be late beyond the run's timeout */
        void check();

        @Override
        void close();
    }

    Wait begin();

    /** The rank makes its next call to the others; every rank makes the same ones, whether it then has to wait or not. */
    default void call() {}

    /** The rank does something long, and gets on with it. */
    default void getsOn() {}

    /** Does what only this rank has to do, while others wait for it. */
    default void alone(Runnable work) {
        work.run();
    }
}
