package org.sparsercnn.dist;

import java.time.Duration;
import java.util.Optional;

/** Finds the rank that keeps the others waiting. */
final class Judge {
    /** How long a rank may work alone: PyTorch's patience with its process groups. */
    static final Duration ALONE = Duration.ofMinutes(30);

    /**
     * A rank as it was last heard of.
     *
     * @param silentMillis since then
     */
    record Seen(String host, long silentMillis, Pulse.State state) {
        private long waitingMillis() {
            return state.isWaiting() ? state.waitingMillis() + silentMillis : -1;
        }

        /** What it does alone it does for all; and it may simply have more to do. */
        private boolean mayBeLate(long timeoutMillis) {
            return state.isAlone() ? state.aloneMillis() + silentMillis < ALONE.toMillis() : state.stillMillis() + silentMillis <= timeoutMillis;
        }
    }

    private final Duration timeout;

    Judge(Duration timeout) {
        this.timeout = timeout;
    }

    /** @param ranks all of them; null: not here yet, or gone in order */
    Optional<Failure> judge(Seen[] ranks) {
        for (int r = 0; r < ranks.length; r++) {
            if (ranks[r] != null && ranks[r].silentMillis > timeout.toMillis()) {
                return Optional.of(Failure.lost(r, ranks[r].host, silent(ranks[r].silentMillis)));
            }
        }
        long longest = -1;
        int last = -1; // the one that is furthest behind
        for (int r = 0; r < ranks.length; r++) {
            Seen seen = ranks[r];
            if (seen != null) {
                longest = Math.max(longest, seen.waitingMillis());
                last = last < 0 || isBehind(seen, ranks[last]) ? r : last;
            }
        }
        if (longest <= timeout.toMillis() || ranks[last].mayBeLate(timeout.toMillis())) {
            return Optional.empty();
        }
        Seen late = ranks[last];
        if (isSilent(late)) {
            return Optional.of(Failure.lost(last, late.host, silent(late.silentMillis)));
        }
        return Optional.of(Failure.lost(last, late.host, late.state.isWaiting() ? "has waited " + seconds(longest)
                + " for the others in call " + late.state.calls() + ", and they for it: what connects the machines is stuck, or the ranks do not do the same"
                : "hangs: another rank has waited " + seconds(longest) + " for its call " + (late.state.calls() + 1)
                + "; if it only is slow, --dist-timeout allows more"));
    }

    /** Of two in the same call the one that is silent: it may have been stopped in it. */
    private boolean isBehind(Seen a, Seen b) {
        if (a.state.calls() != b.state.calls()) {
            return a.state.calls() < b.state.calls();
        }
        return a.state.isWaiting() == b.state.isWaiting() ? isSilent(a) && !isSilent(b) : b.state.isWaiting();
    }

    private boolean isSilent(Seen seen) {
        return seen.silentMillis > timeout.toMillis() / 2;
    }

    static String silent(long millis) {
        return "has not answered for " + seconds(millis) + ": its process is stopped, or its machine cannot be reached";
    }

    private static String seconds(long millis) {
        return Math.round(millis / 1000.0) + " s";
    }
}
