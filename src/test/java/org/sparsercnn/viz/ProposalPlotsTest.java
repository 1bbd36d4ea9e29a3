package org.sparsercnn.viz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProposalPlotsTest {
    @Test
    void coverage_is_the_share_of_boxes_over_a_cells_middle() {
        float[] boxes = {0, 0, 1, 1, 0, 0, 0.5f, 1, 0.5f, 0.5f, 2, 2, -1, -1, 0.5f, 0.5f};
        assertThat(ProposalPlots.coverage(boxes, 2)).containsExactly(new double[] {0.75, 0.25, 0.5, 0.5}, within(1e-12));
    }

    @Test
    void a_final_box_is_a_disc_at_its_middle_and_a_surer_one_is_stronger() {
        float[] whole = {0, 0, 1, 1};
        BufferedImage sure = ProposalPlots.ends(List.of(new ProposalPlots.Proposal("#1", whole, List.of(new float[] {0.6f, 0.2f, 0.8f, 0.4f}), List.of(1f))));
        BufferedImage unsure = ProposalPlots.ends(List.of(new ProposalPlots.Proposal("#1", whole, List.of(new float[] {0.6f, 0.2f, 0.8f, 0.4f}), List.of(0f))));
        int x = (int) (30 + 0.7 * 360);
        int y = (int) (6 * 13 + 0.3 * 360);
        assertThat(new Color(sure.getRGB(x, y)).getBlue()).isLessThan(new Color(unsure.getRGB(x, y)).getBlue());
        assertThat(new Color(unsure.getRGB(x, y))).isNotEqualTo(Color.WHITE);
        assertThat(new Color(sure.getRGB(x, y + 180))).isEqualTo(Color.WHITE);
    }
}
