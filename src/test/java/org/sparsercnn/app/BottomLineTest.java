package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BottomLineTest {
    private final TinyTerminal screen = new TinyTerminal(20);
    private final PrintStream raw = screen.stream();
    private int columns = 20;
    private final BottomLine bottom = new BottomLine(raw, () -> columns);

    @Test
    void lines_scroll_above_the_text() {
        PrintStream out = bottom.above(raw);
        out.println("before");
        bottom.show("[==> ] 1/4");
        out.println("one");
        out.print("two\nthr");
        bottom.show("[===>] 2/4");
        assertThat(screen.seen()).as("what has not ended waits").containsExactly("before", "one", "two", "[===>] 2/4");
        out.println("ee");
        assertThat(screen.seen()).containsExactly("before", "one", "two", "three", "[===>] 2/4");
        bottom.show("");
        out.print("done");
        out.close();
        assertThat(screen.seen()).containsExactly("before", "one", "two", "three", "done");
    }

    @Test
    void a_shorter_text_leaves_nothing_of_a_longer_one() {
        bottom.show("a rather long one");
        bottom.show("short");
        assertThat(screen.seen()).containsExactly("short");
    }

    @Test
    void a_text_too_long_for_the_terminal_is_cut_so_that_it_stays_one_line() {
        bottom.show("0123456789012345678901234567890");
        bottom.above(raw).println("log");
        assertThat(screen.seen()).containsExactly("log", "0123456789012345678");
        columns = 0; // a terminal that does not know
        bottom.show("nothing fits");
        assertThat(screen.seen().getLast()).isEmpty();
    }

    @Test
    void threads_do_not_tear_each_others_lines() throws InterruptedException {
        PrintStream out = bottom.above(raw);
        PrintStream err = bottom.above(raw);
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 3; t++) {
            PrintStream stream = t % 2 == 0 ? out : err;
            String name = "thread " + t;
            threads.add(Thread.ofPlatform().start(() -> IntStream.range(0, 200).forEach(i -> stream.println(name))));
        }
        threads.add(Thread.ofPlatform().start(() -> IntStream.range(0, 200).forEach(i -> bottom.show("bar " + i))));
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(screen.seen()).hasSize(601).last().isEqualTo("bar 199");
        assertThat(screen.seen().subList(0, 600)).allMatch(line -> line.matches("thread [012]"));
    }
}
