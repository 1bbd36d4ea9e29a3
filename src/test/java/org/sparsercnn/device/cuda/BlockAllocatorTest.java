package org.sparsercnn.device.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.sparsercnn.device.cuda.BlockAllocator.Block;

class BlockAllocatorTest {
    private static final long KB = 1L << 10;
    private static final long MB = 1L << 20;

    /** A driver's memory by its books alone. */
    private static final class Books implements BlockAllocator.Source {
        private final TreeMap<Long, Long> given = new TreeMap<>();
        private final long limit;
        private long next = MB;
        private long used;

        Books(long limit) {
            this.limit = limit;
        }

        @Override
        public long take(long bytes) {
            if (used + bytes > limit) return 0;
            long address = next;
            next += bytes + MB;
            used += bytes;
            given.put(address, bytes);
            return address;
        }

        @Override
        public void give(long address, long bytes) {
            assertThat(given.remove(address)).isEqualTo(bytes);
            used -= bytes;
        }
    }

    private final Books books = new Books(1L << 40);
    private final BlockAllocator allocator = new BlockAllocator(books);

    @Test
    void blocksInUseNeverOverlapAndEverythingComesBack() {
        Random random = new Random(5);
        List<Block> blocks = new ArrayList<>();
        for (int i = 0; i < 4000; i++) {
            if (blocks.isEmpty() || random.nextInt(100) < 55 && blocks.size() < 200) {
                long wanted = (long) Math.exp(random.nextDouble() * Math.log(100 * MB));
                Block block = allocator.take(wanted);
                assertThat(block.bytes()).isGreaterThanOrEqualTo(wanted);
                assertThat(block.address() % BlockAllocator.GRAIN).isZero();
                blocks.add(block);
            } else {
                blocks.remove(random.nextInt(blocks.size())).give();
            }
            if (i % 500 == 0) {
                assertThat(allocator.use().inUse()).isEqualTo(blocks.stream().mapToLong(Block::bytes).sum());
                assertApart(blocks);
            }
        }
        assertThat(allocator.holders().entrySet().stream().mapToLong(e -> e.getKey() * e.getValue()).sum()).isEqualTo(allocator.use().inUse());
        blocks.forEach(Block::give);
        assertThat(allocator.use().inUse()).isZero();
        assertThat(allocator.use().reserved()).isEqualTo(books.used);
        allocator.trim();
        assertThat(books.given).as("a segment whose parts are all free is whole again").isEmpty();
        assertThat(allocator.use().reserved()).isZero();
    }

    private void assertApart(List<Block> blocks) {
        TreeMap<Long, Long> ends = new TreeMap<>();
        for (Block b : blocks) {
            assertThat(ends.put(b.address(), b.address() + b.bytes())).isNull();
            var segment = books.given.floorEntry(b.address());
            assertThat(b.address() + b.bytes()).as("end, within the segment").isLessThanOrEqualTo(segment.getKey() + segment.getValue());
        }
        long last = 0;
        for (Map.Entry<Long, Long> e : ends.entrySet()) {
            assertThat(e.getKey()).isGreaterThanOrEqualTo(last);
            last = e.getValue();
        }
    }

    @Test
    void theBestFitIsTaken() {
        Block large = allocator.take(12 * MB);
        allocator.take(MB + KB);
        Block fitting = allocator.take(3 * MB);
        allocator.take(MB + KB);
        long address = fitting.address();
        large.give();
        fitting.give();
        assertThat(allocator.take(3 * MB - 4 * KB).address()).isEqualTo(address);
    }

    @Test
    void smallBlocksDoNotLieAmongLargeOnes() {
        Block small = allocator.take(KB);
        Block large = allocator.take(4 * MB);
        assertThat(books.given).hasSize(2).containsValues(2 * MB, 32 * MB);
        small.give();
        large.give();
        assertThat(allocator.take(64 * KB).address()).isEqualTo(small.address());
    }

    @Test
    void whatIsFreeIsHandedOutAgainWithoutTheSource() {
        for (int step = 0; step < 10; step++) {
            List<Block> blocks = new ArrayList<>();
            for (long size : new long[] {40 * MB, 3 * MB, 700 * KB, 100, 25 * MB}) {
                blocks.add(allocator.take(size));
            }
            blocks.forEach(Block::give);
        }
        assertThat(books.used).isLessThanOrEqualTo((40 + 26 + 32 + 2) * MB);
    }

    @Test
    void nothingLeftIsNull() {
        BlockAllocator small = new BlockAllocator(new Books(40 * MB));
        Block first = small.take(20 * MB);
        assertThat(small.take(24 * MB)).isNull();
        first.give();
        assertThat(small.take(24 * MB)).as("the segment held for reuse is in the way").isNull();
        small.trim();
        assertThat(small.take(24 * MB)).isNotNull();
    }

    @Test
    void twiceFreedIsToldApart() {
        Block block = allocator.take(100);
        block.give();
        assertThatThrownBy(block::give).isInstanceOf(IllegalStateException.class).hasMessageContaining("twice");
    }

    @Test
    void aNestedAllocatorTakesWhatIsCachedAndGivesItBack() {
        BlockAllocator nested = allocator.nested();
        assertThat(nested.take(MB)).as("nothing is cached yet").isNull();
        allocator.take(64 * MB).give();
        Block a = nested.take(5 * MB);
        Block b = nested.take(KB);
        assertThat(allocator.use().inUse()).isEqualTo(nested.use().reserved());
        a.give();
        nested.close();
        assertThat(allocator.use().inUse()).as("b's segment").isEqualTo(2 * MB);
        b.give();
        assertThat(allocator.use().inUse()).isZero();
        assertThat(books.given).hasSize(1);
    }

    @Test
    void takingAndGivingMakesNoGarbage() {
        Block[] blocks = new Block[50];
        Runnable rounds = () -> {
            for (int round = 0; round < 300; round++) {
                for (int i = 0; i < blocks.length; i++) {
                    blocks[i] = allocator.take(1000L * (i + 1) * (i % 7 == 0 ? 1000 : 1));
                }
                for (int i = 0; i < blocks.length; i++) {
                    blocks[i * 7 % blocks.length].give();
                }
            }
        };
        rounds.run();
        assertThat(Garbage.leastOf(rounds)).isZero();
    }
}
