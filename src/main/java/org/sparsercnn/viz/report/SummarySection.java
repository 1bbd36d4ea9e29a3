package org.sparsercnn.viz.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.sparsercnn.eval.ConfusionMatrix;
import org.sparsercnn.eval.ErrorAnalysis;
import org.sparsercnn.eval.OperatingPoint;
import org.sparsercnn.eval.Outcome;

/** The answers first: how good it is, what goes wrong, whether training is done. */
final class SummarySection {
    /** A loss or score that moves less than this share over the end of a run stands still. */
    private static final double STILL = 0.01;

    private SummarySection() {}

    static void write(Html page, RunData run) {
        Section.write(page, "summary", "Summary", section -> {
            if (!run.sets().isEmpty()) {
                tiles(section, run.sets().getFirst());
            }
            section.element("dl", list -> {
                answer(list, "How good is it?", run.sets().isEmpty() ? unmeasured(run) : quality(run.sets().getFirst()));
                if (!run.sets().isEmpty()) {
                    answer(list, "What goes wrong?", mistakes(run.sets().getFirst()));
                }
                answer(list, "Is training done?", training(run));
            }, "class", "answers");
            run.notes().forEach(note -> Section.note(section, note));
        });
    }

    private static void answer(Html list, String question, String answer) {
        list.element("dt", question).element("dd", answer);
    }

    private static void tiles(Html section, SetData set) {
        section.element("ul", tiles -> {
            set.score().percentages().entrySet().stream().filter(e -> !e.getKey().contains("-")).limit(3)
                    .forEach(e -> tile(tiles, e.getKey(), Numbers.percent(e.getValue() / 100)));
            OperatingPoint point = set.analysis().point();
            tile(tiles, "precision", Numbers.percent(point.precision()));
            tile(tiles, "recall", Numbers.percent(point.recall()));
            tile(tiles, "F1", Numbers.percent(point.f1()));
        }, "class", "tiles");
        section.element("p", "In percent, on " + set.title() + ", metric " + set.score().metric().label() + ". Precision, recall and F1 at IoU 0.5, with the"
                + " detections of score " + Numbers.decimal(set.analysis().point().score(), 2) + " and above, where F1 is largest.", "class", "note");
    }

    private static void tile(Html tiles, String name, String value) {
        tiles.element("li", tile -> tile.element("b", value).element("span", name));
    }

    private static String unmeasured(RunData run) {
        return run.curve("bbox/AP").map(ap -> "At the last evaluation AP was " + Numbers.decimal(ap.last(), 1) + ".")
                .orElse("It was not measured: eval with its weights does that.");
    }

    private static String quality(SetData set) {
        OperatingPoint p = set.analysis().point();
        if (p.objects() == 0) {
            return "The data set has no objects to find, so there is nothing to measure.";
        }
        String text = "AP is " + Numbers.percent(set.ap()) + ". At score " + Numbers.decimal(p.score(), 2) + " it finds " + Numbers.count(p.hits()) + " of "
                + Numbers.count(p.objects(), "object") + " and makes " + Numbers.count(p.mistakes(), "mistake") + ".";
        List<Integer> measured = new ArrayList<>(IntStream.range(0, set.coco().categories().size()).filter(k -> classAp(set, k) >= 0).boxed().toList());
        if (measured.size() < 2) {
            return text;
        }
        measured.sort(Comparator.comparingDouble(k -> classAp(set, k)));
        return text + " Best class: " + named(set, measured.getLast()) + "; weakest: " + named(set, measured.getFirst()) + ".";
    }

    private static double classAp(SetData set, int k) {
        return set.coco().perCategory().get(k).get("AP");
    }

    private static String named(SetData set, int k) {
        return set.coco().categories().name(k) + " (AP " + Numbers.percent(classAp(set, k)) + ")";
    }

    private static String mistakes(SetData set) {
        ErrorAnalysis errors = set.analysis().errors();
        List<Map.Entry<String, Double>> gains = new ArrayList<>();
        errors.gains().forEach((mistake, gain) -> gains.add(Map.entry(reason(mistake), gain)));
        gains.add(Map.entry("missed objects", errors.missedGain()));
        gains.removeIf(e -> !(e.getValue() >= 0.0005));
        gains.sort(Map.Entry.<String, Double>comparingByValue().reversed());
        if (gains.isEmpty()) {
            return errors.point().objects() == 0 ? "Nothing that could be counted." : "Next to nothing.";
        }
        StringBuilder text = new StringBuilder("Most AP50 is lost to ").append(gains.getFirst().getKey()).append(" (")
                .append(Numbers.decimal(100 * gains.getFirst().getValue(), 1)).append(" points)");
        if (gains.size() > 1) {
            text.append(", then to ").append(gains.get(1).getKey()).append(" (").append(Numbers.decimal(100 * gains.get(1).getValue(), 1)).append(")");
        }
        Optional<ConfusionMatrix.Pair> pair = set.analysis().confusion().confused().stream().findFirst();
        pair.ifPresent(p -> text.append(". Most often confused: ").append(set.coco().categories().name(p.truth())).append(" taken for ")
                .append(set.coco().categories().name(p.taken())).append(", ").append(Numbers.count(p.count(), "time")));
        return text.append('.').toString();
    }

    private static String reason(Outcome mistake) {
        return switch (mistake) {
            case WRONG_CLASS -> "wrong classes";
            case BADLY_PLACED -> "badly placed boxes";
            case BOTH -> "boxes of a wrong class that are badly placed too";
            case DUPLICATE -> "duplicates";
            default -> "detections on the background";
        };
    }

    private static String training(RunData run) {
        RunData.Steps steps = run.steps();
        if (steps.done() == 0) {
            return "No training is recorded here.";
        }
        boolean complete = steps.secondsLeft() == 0 || steps.planned() > 0 && steps.done() >= steps.planned();
        String text = complete ? "The run is complete: " + Numbers.count(steps.done(), "step") + "."
                : Numbers.count(steps.done()) + (steps.planned() > 0 ? " of " + Numbers.count(steps.planned(), "step") : " steps") + " are done.";
        return text + run.curve("total_loss").map(SummarySection::ofLoss).orElse("") + bestAp(run);
    }

    private static String ofLoss(Curve loss) {
        int tenth = loss.y().length / 10;
        if (tenth < 2) {
            return "";
        }
        int n = loss.y().length;
        double before = mean(loss.y(), n - 2 * tenth, n - tenth);
        double change = (mean(loss.y(), n - tenth, n) - before) / before;
        String much = Numbers.decimal(100 * Math.abs(change), 1) + " % ";
        return !Double.isFinite(change) ? "" : " Over the last tenth the loss " + (Math.abs(change) < STILL ? "stood still."
                : change < 0 ? "still fell, by " + much + "against the tenth before." : "rose by " + much + "against the tenth before.");
    }

    private static double mean(double[] values, int from, int to) {
        return Arrays.stream(values, from, to).filter(Double::isFinite).average().orElse(Double.NaN);
    }

    private static String bestAp(RunData run) {
        String name = (run.sets().isEmpty() ? "bbox/" : run.sets().getFirst().prefix()) + "AP";
        Optional<Curve> ap = run.curve(name).filter(c -> c.y().length > 1);
        if (ap.isEmpty()) {
            return "";
        }
        double[] y = ap.get().y();
        int best = IntStream.range(0, y.length).filter(i -> Double.isFinite(y[i])).reduce((a, b) -> y[b] > y[a] ? b : a).orElse(0);
        return " AP was best " + (best == y.length - 1 ? "at the last of " + y.length + " evaluations."
                : "at iteration " + Numbers.count((long) ap.get().x()[best]) + " (" + Numbers.decimal(y[best], 1) + ") and is " + Numbers.decimal(ap.get().last(), 1) + " now.");
    }
}
