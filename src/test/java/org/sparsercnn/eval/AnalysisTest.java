package org.sparsercnn.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.data.Metric;
import org.sparsercnn.eval.CocoOptions.AreaRange;

/** Kinds of mistakes, confusion, calibration and scores of images, on cases worked out by hand. */
class AnalysisTest {
    private static final int CAT = 3;
    private static final int DOG = 8;

    @TempDir
    Path folder;

    private final DetectionCollector found = new DetectionCollector();

    private GroundTruth truth(String annotations) throws IOException {
        Path file = folder.resolve("gt.json");
        Files.writeString(file, """
                {"categories": [{"id": 3, "name": "cat"}, {"id": 8, "name": "dog"}],
                 "images": [{"id": 1, "width": 200, "height": 200, "file_name": "1.png"}, {"id": 2, "width": 200, "height": 200, "file_name": "2.png"}],
                 "annotations": [%s]}""".formatted(annotations));
        return GroundTruth.read(file);
    }

    /** A cat in image 1 at the left, a dog at the right; a cat in image 2. */
    private GroundTruth pets() throws IOException {
        return truth("""
                {"id": 1, "image_id": 1, "category_id": 3, "bbox": [0, 0, 40, 40]}, {"id": 2, "image_id": 1, "category_id": 8, "bbox": [100, 0, 40, 40]},
                {"id": 3, "image_id": 2, "category_id": 3, "bbox": [0, 0, 40, 40]}""");
    }

    @Test
    void everyKindOfMistakeIsTold() throws IOException {
        found.add(1, CAT, 0.9, 0, 0, 40, 40); // right
        found.add(1, CAT, 0.8, 0, 0, 40, 38); // once more
        found.add(1, CAT, 0.7, 100, 0, 40, 40); // the dog
        found.add(1, DOG, 0.6, 120, 0, 40, 40); // half beside it: 20 of 60
        found.add(1, DOG, 0.5, 20, 0, 40, 40); // half beside the cat
        found.add(1, DOG, 0.4, 0, 150, 40, 40); // nothing there
        Outcomes outcomes = Outcomes.of(pets(), found.detections(), Metric.COCO);
        assertThat(outcomes.outcomes()).containsExactly(Outcome.CORRECT, Outcome.DUPLICATE, Outcome.WRONG_CLASS, Outcome.BADLY_PLACED, Outcome.BOTH,
                Outcome.BACKGROUND);
        assertThat(outcomes.targets()).containsExactly(0, 0, 1, 1, 0, -1);
        assertThat(outcomes.overlaps()[3]).isEqualTo(1.0 / 3);
        ErrorAnalysis errors = ErrorAnalysis.of(outcomes, OperatingPoint.at(outcomes, 0.45));
        assertThat(errors.counts()).containsEntry(Outcome.BOTH, 1).containsEntry(Outcome.BACKGROUND, 0).containsEntry(Outcome.CORRECT, 1);
        assertThat(errors.missed()).as("the cat of image 2; the dog is badly placed and of a wrong class, which is told there").isEqualTo(1);
        assertThat(errors.point()).isEqualTo(new OperatingPoint(0.45, 1, 4, 3));
    }

    /**
     * Cats: a hit at 0.9, two mistakes; one of two is found, so AP is 51/101 (recalls 0 to 0.50). Dogs: none found, AP 0. The mean is 51/202.
     */
    @Test
    void gainsAreThoseOfAp50WithOneMistakePutRight() throws IOException {
        found.add(1, CAT, 0.9, 0, 0, 40, 40);
        found.add(1, CAT, 0.7, 100, 0, 40, 40); // the dog
        found.add(1, DOG, 0.6, 120, 0, 40, 40); // beside it
        Outcomes outcomes = Outcomes.of(pets(), found.detections(), Metric.COCO);
        ErrorAnalysis errors = ErrorAnalysis.of(outcomes, OperatingPoint.best(outcomes));
        double base = 51.0 / 202;
        assertThat(errors.ap50()).isCloseTo(base, within(1e-12));
        assertThat(errors.gains().get(Outcome.WRONG_CLASS)).as("the dog is found at 0.7: AP 1").isCloseTo(0.5, within(1e-12));
        assertThat(errors.gains().get(Outcome.BADLY_PLACED)).as("the dog is found at 0.6: AP 1").isCloseTo(0.5, within(1e-12));
        assertThat(errors.gains().get(Outcome.DUPLICATE)).isZero();
        assertThat(errors.missedGain()).as("one cat is left to find: AP 1").isCloseTo(1.0 / 2 - base, within(1e-12));
    }

    @Test
    void aMistakeAboutAnObjectThatWasFoundIsTakenAwayAndNotPutRight() throws IOException {
        found.add(1, CAT, 0.95, 60, 100, 40, 40); // background before the hit
        found.add(1, CAT, 0.9, 0, 0, 40, 40);
        found.add(2, CAT, 0.8, 0, 0, 40, 40);
        found.add(1, DOG, 0.7, 0, 0, 40, 40); // the cat, which is found
        found.add(1, DOG, 0.6, 100, 0, 40, 40);
        ErrorAnalysis errors = ErrorAnalysis.of(Outcomes.of(pets(), found.detections(), Metric.COCO), new OperatingPoint(0, 0, 0, 0));
        // cats: precision 2/3 at every recall; dogs: 1/2
        assertThat(errors.ap50()).isCloseTo((2.0 / 3 + 0.5) / 2, within(1e-12));
        assertThat(errors.gains().get(Outcome.WRONG_CLASS)).isCloseTo(0.25, within(1e-12));
        assertThat(errors.gains().get(Outcome.BACKGROUND)).isCloseTo(1.0 / 6, within(1e-12));
    }

    @Test
    void ap50IsThatOfTheMetric() throws IOException {
        SampleEvaluation.write(folder, 60, 20, 5, 3);
        GroundTruth truth = GroundTruth.read(folder.resolve("gt.json"));
        Detections detections = ResultsJson.read(folder.resolve("dt.json"));
        CocoResult coco = CocoEvaluation.evaluate(truth, detections);
        Analysis analysis = Analysis.of(truth, detections, Metric.COCO);
        assertThat(analysis.errors().ap50()).isCloseTo(coco.summary().get("AP50"), within(1e-12));
        assertThat(analysis.errors().gains().values()).allMatch(gain -> gain > -1e-12);
        int objects = analysis.outcomes().objects();
        assertThat(coco.curves().recall(0, 0, AreaRange.ALL, 2)).isBetween(0.0, 1.0);
        int inMatrix = 0;
        for (int k = 0; k < 5; k++) {
            inMatrix += analysis.confusion().rowSum(k);
        }
        assertThat(inMatrix).as("every object is in the matrix once").isEqualTo(objects);
    }

    @Test
    void crowdRegionsCountForNothing() throws IOException {
        GroundTruth truth = truth("""
                {"id": 1, "image_id": 1, "category_id": 3, "bbox": [0, 0, 200, 200], "iscrowd": 1}, {"id": 2, "image_id": 2, "category_id": 3, "bbox": [0, 0, 40, 40],
                "ignore": 1}""");
        found.add(1, CAT, 0.9, 10, 10, 40, 40);
        found.add(1, CAT, 0.8, 90, 90, 40, 40);
        found.add(2, CAT, 0.7, 0, 0, 40, 40);
        Detections detections = found.detections();
        assertThat(Outcomes.of(truth, detections, Metric.COCO).outcomes()).containsExactly(Outcome.IGNORED, Outcome.IGNORED, Outcome.CORRECT);
        Analysis crowd = Analysis.of(truth, detections, Metric.CROWDHUMAN);
        assertThat(crowd.outcomes().outcomes()).containsOnly(Outcome.IGNORED);
        assertThat(crowd.point()).isEqualTo(new OperatingPoint(0.5, 0, 0, 0));
        assertThat(crowd.images()).isEmpty();
        assertThat(crowd.calibration().expectedError()).isNaN();
    }

    @Test
    void theCutIsWhereF1IsLargest() throws IOException {
        found.add(1, CAT, 0.9, 0, 0, 40, 40);
        found.add(1, DOG, 0.6, 100, 0, 40, 40);
        found.add(1, DOG, 0.6, 0, 150, 40, 40); // cannot be cut from its equal
        found.add(2, CAT, 0.2, 0, 150, 40, 40);
        found.add(2, CAT, 0.1, 50, 150, 40, 40);
        OperatingPoint best = OperatingPoint.best(Outcomes.of(pets(), found.detections(), Metric.COCO));
        assertThat(best).isEqualTo(new OperatingPoint(0.6, 2, 1, 3));
        assertThat(best.f1()).isEqualTo(4.0 / 6); // with the first alone it is 2/4, with all 4/8
        assertThat(best.precision()).isEqualTo(2.0 / 3);
        assertThat(best.recall()).isEqualTo(2.0 / 3);
        assertThat(best.misses()).isEqualTo(1);
    }

    @Test
    void anObjectIsTakenForOneClassOrMissed() throws IOException {
        found.add(1, DOG, 0.9, 0, 0, 40, 40); // the cat
        found.add(1, DOG, 0.8, 0, 0, 40, 36); // and once more
        found.add(1, DOG, 0.7, 100, 0, 40, 40);
        found.add(2, CAT, 0.3, 0, 0, 40, 40); // below the cut
        Detections detections = found.detections();
        ConfusionMatrix matrix = ConfusionMatrix.of(Outcomes.of(pets(), detections, Metric.COCO), detections, 0.5);
        assertThat(matrix.counts()).isDeepEqualTo(new int[][] {{0, 1, 1}, {0, 1, 0}, {0, 1, 0}});
        assertThat(matrix.confused()).containsExactly(new ConfusionMatrix.Pair(0, 1, 1, 2));
        assertThat(matrix.confused().getFirst().share()).isEqualTo(0.5);
        assertThat(matrix.mostConfused(1)).containsExactly(0);
    }

    @Test
    void scoresAreHeldAgainstHowOftenTheyAreRight() throws IOException {
        found.add(1, CAT, 0.9, 0, 0, 40, 40);
        found.add(2, CAT, 0.8, 150, 150, 40, 40);
        found.add(2, CAT, 0.2, 0, 150, 40, 40);
        found.add(2, CAT, 1.5, 0, 0, 40, 40); // of a program whose scores are none
        Calibration bins = Calibration.of(Outcomes.of(pets(), found.detections(), Metric.COCO), 2);
        assertThat(bins.hits()).containsExactly(0, 2);
        assertThat(bins.mistakes()).containsExactly(1, 1);
        assertThat(bins.precision(1)).isEqualTo(2.0 / 3);
        // |0 - 0.2| * 1/4 + |2/3 - 3.2/3| * 3/4
        assertThat(bins.expectedError()).isCloseTo(0.05 + 0.3, within(1e-12));
        assertThat(Calibration.of(Outcomes.of(pets(), new DetectionCollector().detections(), Metric.COCO), 2).precision(0)).isNaN();
    }

    @Test
    void imagesAreRankedByTheirF1() throws IOException {
        found.add(1, CAT, 0.9, 0, 0, 40, 40);
        found.add(1, CAT, 0.9, 0, 150, 40, 40);
        found.add(2, CAT, 0.9, 0, 0, 40, 20);
        List<ImageScore> images = ImageScore.of(Outcomes.of(pets(), found.detections(), Metric.COCO), 0.5);
        assertThat(images).containsExactly(new ImageScore(1, 1, 0, 0, 0.5), new ImageScore(0, 1, 1, 1, 1));
        assertThat(images.getLast().f1()).isEqualTo(0.5);
    }

    @Test
    void nothingFoundAndNothingThereAreMeasuredToo() throws IOException {
        Detections none = new DetectionCollector().detections();
        Analysis blind = Analysis.of(pets(), none, Metric.COCO);
        assertThat(blind.errors().missed()).isEqualTo(3);
        assertThat(blind.errors().ap50()).isZero();
        assertThat(blind.errors().missedGain()).as("nothing is left to ask for").isEqualTo(1);
        assertThat(blind.point().precision()).isNaN();
        found.add(1, CAT, 0.9, 0, 0, 40, 40);
        Analysis empty = Analysis.of(truth(""), found.detections(), Metric.COCO);
        assertThat(empty.outcomes().outcomes()).containsExactly(Outcome.BACKGROUND);
        assertThat(empty.errors().ap50()).isNaN();
        assertThat(empty.point().recall()).isNaN();
        assertThat(empty.images()).containsExactly(new ImageScore(0, 0, 1, 0, 0));
        assertThat(Analysis.of(truth(""), none, Metric.COCO).point().f1()).isNaN();
    }
}
