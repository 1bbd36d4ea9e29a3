package org.sparsercnn.eval;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ScoreOrderTest {
    @Test
    void bestFirstAndTiesInTheOrderTheyCame() {
        SplittableRandom random = new SplittableRandom(3);
        for (int n : new int[] {0, 1, 2, 23, 24, 25, 49, 100, 1000, 5001}) {
            double[] scores = random.doubles(n).map(score -> Math.rint(score * 50) / 50 - 0.5).toArray(); // many ties, signs, zeros
            int[] wanted = IntStream.range(0, n).boxed()
                    .sorted(Comparator.comparingDouble((Integer i) -> -scores[i] + 0.0)).mapToInt(i -> i).toArray();
            assertThat(ScoreOrder.descending(scores)).as("%d scores", n).containsExactly(wanted);
        }
    }

    @Test
    void zerosOfEitherSignTie() {
        assertThat(ScoreOrder.descending(new double[] {-0.0, 0.0, -0.0, 1})).containsExactly(3, 0, 1, 2);
    }
}
