package org.sparsercnn.viz;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.Rectangle;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LabelLayoutTest {
    @Test
    void theUsualPlaceIsAboveTheBoxAndInsideItAtTheTop() {
        Rectangle box = new Rectangle(50, 60, 200, 100);
        assertThat(new LabelLayout(400, 300, List.of(box)).place(box, 80, 16)).isEqualTo(new Rectangle(50, 44, 80, 16));
        Rectangle high = new Rectangle(50, 5, 200, 100);
        assertThat(new LabelLayout(400, 300, List.of(high)).place(high, 80, 16)).isEqualTo(new Rectangle(50, 5, 80, 16));
    }

    @Test
    void labelsStayInsideThePicture() {
        Random random = new Random(3);
        for (int i = 0; i < 2000; i++) {
            int x = random.nextInt(400);
            int y = random.nextInt(300);
            Rectangle box = new Rectangle(x, y, 1 + random.nextInt(400 - x), 1 + random.nextInt(300 - y));
            Rectangle label = new LabelLayout(400, 300, List.of(box)).place(box, 20 + random.nextInt(380), 16);
            assertThat(new Rectangle(0, 0, 400, 300).contains(label)).as("%s for %s", label, box).isTrue();
        }
    }

    @Test
    void aPileOfEqualBoxesGetsLabelsSideBySide() {
        Rectangle box = new Rectangle(150, 100, 150, 150);
        List<Rectangle> boxes = java.util.Collections.nCopies(8, box);
        LabelLayout layout = new LabelLayout(640, 480, boxes);
        List<Rectangle> places = new ArrayList<>();
        for (Rectangle b : boxes) {
            Rectangle place = layout.place(b, 70, 16);
            assertThat(places).noneMatch(place::intersects);
            places.add(place);
        }
    }

    @Test
    void smallNeighboursAreSpared() {
        Rectangle lower = new Rectangle(100, 110, 30, 30);
        Rectangle upper = new Rectangle(100, 85, 30, 24);
        Rectangle label = new LabelLayout(400, 300, List.of(lower, upper)).place(lower, 60, 16);
        assertThat(label.intersects(upper)).isFalse();
        assertThat(label.intersects(lower)).isFalse();
    }

    @Test
    void aLabelWiderThanThePictureStartsAtItsLeftEdge() {
        Rectangle box = new Rectangle(5, 30, 10, 10);
        assertThat(new LabelLayout(40, 60, List.of(box)).place(box, 90, 16).x).isZero();
    }
}
